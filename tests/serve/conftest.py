"""Fixtures: a service on the tiny model, and photos for it."""

import threading

import pytest

pytest.importorskip("fastapi", reason="the serve extra is not installed")
pytest.importorskip("uvicorn", reason="the serve extra is not installed")
pytest.importorskip("httpx", reason="httpx is not installed")

from engine.pipeline import Cartoonifier
from tests.serve.serving import encode, serving


@pytest.fixture(scope="session")
def served(tiny):
    """A service with the default options."""
    with serving(tiny) as served:
        yield served


@pytest.fixture(scope="session")
def person(person_photo):
    """The photo of a person, as the bytes of a PNG."""
    return encode(person_photo)


class Gate:
    """Where photos wait; their names, as they arrive."""

    def __init__(self):
        self.opened, self.arrived = threading.Event(), []

    def open(self):
        self.opened.set()


@pytest.fixture
def gate(monkeypatch):
    """Closes it: drawing then waits until it is opened again."""
    draw = Cartoonifier.draw

    gate = Gate()

    def wait(app, found, **more):
        gate.arrived.append(found.name)
        assert gate.opened.wait(60)
        return draw(app, found, **more)

    def close():
        monkeypatch.setattr(Cartoonifier, "draw", wait)
        return gate

    yield close
    gate.open()
