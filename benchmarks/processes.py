"""Whole processes: cold start, the help, and the peak of memory."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
from skimage.data import astronaut

from benchmarks.rows import Row, faster
from benchmarks.turns import Ratio, in_turns

LIBRARIES = "import numpy, cv2, onnxruntime, numba, PIL.Image"
PEAK = """
import cv2, sys, numpy as np
from skimage.data import astronaut
import engine
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
with engine.load(provider="cpu") as app:
    app(astronaut())
    before = peak()
    photo = cv2.resize(astronaut(), (8000, 6000))
    result = app(photo)
    print((peak() - before) / photo.nbytes)
"""


def measure(threads: int, limits: dict[str, float]) -> Iterator[Row]:
    """Rows of this section."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "photo.jpg")
        cv2.imwrite(str(path), cv2.resize(astronaut(), (600, 450))[..., ::-1])
        command = ["-m", "engine.run", str(path), "-o", folder, "--overwrite", "-q"]
        contenders = {
            "run": lambda: _python(*command),
            "libraries": lambda: _python("-c", LIBRARIES),
            "help": lambda: _python("-m", "engine.run", "--help"),
            "nothing": lambda: _python("-c", "pass"),
        }
        seconds = in_turns(contenders, 9)
    what = "start to the first picture on disk, warm caches"
    yield faster(seconds, "run", "libraries", what, "import of the libraries alone", "<= 1.5")
    limit = {"--help": seconds["help"], "second": [1.0] * len(seconds["help"])}
    yield faster(limit, "--help", "second", "--help, in seconds", "", "<= 0.2")
    peaks = [float(_python("-c", PEAK)) for _ in range(3)]
    middle = sorted(peaks)
    yield Row(
        "peak memory at 48 MP above the loaded engine's, photo included",
        "the photo's bytes",
        Ratio(middle[1], middle[0], middle[2]),
        "<= 8",
    )


def _python(*arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True)
    return re.sub(r"\s+", " ", done.stdout).strip()
