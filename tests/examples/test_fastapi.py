"""The application that has the engine in it, as its clients see it."""

import importlib.util
import socket
import threading
from contextlib import contextmanager

import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="the serve extra is not installed")
pytest.importorskip("uvicorn", reason="the serve extra is not installed")
pytest.importorskip("httpx", reason="httpx is not installed")

import httpx
import uvicorn

import engine
from tests.examples.conftest import ROOT
from tests.folders import wait_for
from tests.samples import encoded


@contextmanager
def running(app):
    """A client of the application, which a server runs in a thread."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            with httpx.Client(base_url=url, timeout=60) as client:
                wait_for(lambda: client.get("/cartoons/readyz").status_code == 200)
                yield client
        finally:
            server.should_exit = True
            thread.join(60)


@pytest.fixture(scope="module")
def album():
    """The example, loaded afresh."""
    path = ROOT / "examples" / "fastapi_mount.py"
    spec = importlib.util.spec_from_file_location("fastapi_mount", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def client(album):
    with running(album.app) as client:
        yield client


@pytest.fixture(scope="module")
def portrait(astronaut):
    return encoded(Image.fromarray(astronaut[::2, ::2]), "PNG")


def test_the_service_is_below_its_path_and_draws_as_the_engine(client, portrait, embedded):
    assert "Cartoonify" in client.get("/cartoons/").text
    assert client.get("/cartoons/page/main.js").status_code == 200
    answer = client.post("/cartoons/v1/cartoon", content=portrait)
    assert answer.content == embedded(portrait).encode("cartoon")


def test_the_own_endpoint_draws_with_the_same_model(client, portrait, embedded):
    answer = client.post("/portraits", files={"file": portrait})
    ink = embedded.replace(cartoon=engine.CartoonOptions("ink"))
    assert answer.headers["content-type"] == "image/png"
    assert answer.content == ink(portrait).encode("cartoon", crop=True, size=800)
    assert "/portraits" in client.get("/openapi.json").json()["paths"]


def test_what_cannot_be_drawn_is_told(client):
    meadow = encoded(Image.new("RGB", (320, 240), (120, 170, 90)), "PNG")
    assert client.post("/portraits", files={"file": b"hello"}).status_code == 415
    nobody = client.post("/portraits", files={"file": meadow})
    assert (nobody.status_code, "person" in nobody.json()["detail"]) == (422, True)


def test_the_service_ends_with_the_application(album, portrait):
    with running(album.app) as client:
        kept = album.cartoons.state.service.kept
        client.post("/cartoons/v1/photos", content=portrait)
        assert len(kept) == 1
    assert len(kept) == 0
