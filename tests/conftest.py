"""Fixtures: golden cases, photos, a tiny model, the embedded model, a browser, the command line."""

import logging
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.stats  # noqa: F401, before the command line keeps it from being loaded
from hypothesis import HealthCheck, settings
from PIL import Image

from tests.chromium import open_chromium, requests_of
from tests.file_server import Server
from tests.networks import (  # noqa: F401, fixtures
    facts,
    mask_app,
    mask_model,
    small_graph,
    small_network,
    trace,
)
from tests.tiny_model import write_tiny_model

# A shell's background jobs ignore Ctrl-C, and so would the programs that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The first example of a kernel may compile it.
settings.register_profile(
    "cartoonify", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("cartoonify")

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="session")
def golden():
    """Loads a golden case by name."""

    def load(name):
        with np.load(GOLDEN / f"{name}.npz") as arrays:
            return dict(arrays)

    return load


@pytest.fixture(scope="session")
def astronaut():
    """A real portrait, uint8 (512, 512, 3), public domain."""
    data = pytest.importorskip("skimage.data")
    return data.astronaut()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """Chromium without a window, which writes down every request; one for all tests."""
    with open_chromium(tmp_path_factory.mktemp("chromium") / "profile") as browser:
        yield browser


@pytest.fixture
def browser(chromium):
    """The same, on an empty page, with nothing left of earlier tests."""
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    chromium.get("about:blank")
    list(requests_of(chromium))
    chromium.get_log("browser")
    return chromium


@pytest.fixture
def server():
    """A server on this machine, with one file."""
    server = Server()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """Path of a generated segmenter: red is a person, blue an aeroplane, all else background."""
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.onnx")


@pytest.fixture(scope="session")
def tiny(tiny_model):
    """A Cartoonifier on the tiny model."""
    import engine

    return engine.load(tiny_model, provider="cpu")


@pytest.fixture(scope="session")
def embedded():
    """A Cartoonifier on the embedded model."""
    import engine

    return engine.load(provider="cpu")


@pytest.fixture(scope="session")
def person_photo():
    """A red disc on green: uint8 (150, 210, 3); the tiny model sees a person."""
    photo = np.full((150, 210, 3), (10, 120, 10), np.uint8)
    y, x = np.ogrid[:150, :210]
    photo[(y - 75) ** 2 + (x - 105) ** 2 < 50**2] = (250, 20, 20)
    return photo


@pytest.fixture
def photo(person_photo, tmp_path):
    """The same as a file, me.png."""
    path = tmp_path / "me.png"
    Image.fromarray(person_photo).save(path)
    return path


@pytest.fixture
def cartoonify(tiny_model, tmp_path, monkeypatch, capfd):
    """Runs the command line in this process, in an empty folder; returns code, stdout, stderr."""
    from engine.cli.app import cli

    monkeypatch.chdir(tmp_path)
    # A program sets them for its own process.
    loggers = [logging.getLogger(name) for name in (None, "engine", "engine.serve", "uvicorn")]
    levels = [logger.level for logger in loggers]
    handlers = logging.root.handlers[:]

    def call(*arguments, model=tiny_model):
        argv = ["cartoonify", *map(str, arguments), *(["--model", str(model)] if model else [])]
        monkeypatch.setattr(sys, "argv", argv)
        with pytest.raises(SystemExit) as stopped:
            cli()
        out, err = capfd.readouterr()
        return stopped.value.code, out, err

    yield call
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    logging.root.handlers[:] = handlers
