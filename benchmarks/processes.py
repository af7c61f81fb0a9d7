"""Whole processes: cold start, the help, and the peak of memory."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from benchmarks.portrait import portrait
from benchmarks.rows import Row, faster
from benchmarks.setting import Setting
from benchmarks.turns import Ratio

LIBRARIES = "import numpy, cv2, onnxruntime, numba, PIL.Image"
PEAK = """
import sys
from benchmarks.portrait import portrait
import engine
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
with engine.load(provider="cpu") as app:
    app(portrait(512, 512))
    before = peak()
    photo = portrait(*map(int, sys.argv[1:]))
    result = app(photo)
    print((peak() - before) / photo.nbytes)
"""


def measure(setting: Setting) -> Iterator[Row]:
    """Rows of this section."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "photo.jpg")
        Image.fromarray(portrait(450, 600)).save(path)
        command = ["-m", "engine.run", str(path), "-o", folder, "--overwrite", "-q"]
        contenders = {
            "run": lambda: run_python(*command),
            "libraries": lambda: run_python("-c", LIBRARIES),
            "help": lambda: run_python("-m", "engine.run", "--help"),
            "nothing": lambda: run_python("-c", "pass"),
        }
        seconds = setting.in_turns(contenders, 9)
    what = "start to the first picture on disk, warm caches"
    yield faster(seconds, "run", "libraries", what, "import of the libraries alone", "<= 1.5")
    limit = {"--help": seconds["help"], "second": [1.0] * len(seconds["help"])}
    yield faster(limit, "--help", "second", "--help, in seconds", "", "<= 0.2")
    size = [str(side) for side in setting.size(6000, 8000)]
    peaks = [float(run_python("-c", PEAK, *size)) for _ in range(setting.rounds(3))]
    yield Row(
        "peak memory at 48 MP above the loaded engine's, photo included",
        "the photo's bytes",
        Ratio(statistics.median(peaks), min(peaks), max(peaks)),
        "<= 8",
    )


def run_python(*arguments: str) -> str:
    """What a Python process prints, on one line."""
    done = subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True)
    return re.sub(r"\s+", " ", done.stdout).strip()
