"""Whole processes: cold start, the help, and the peak of memory."""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from benchmarks.portrait import portrait
from benchmarks.rows import Row, faster
from benchmarks.setting import Setting
from benchmarks.turns import Ratio

LIBRARIES = "import numpy, cv2, onnxruntime, numba, PIL.Image"
FIRST_CALLS = """
import sys, time
import engine
app = engine.load(provider="cpu", warmup=True)
for _ in range(2):
    start = time.process_time()
    app(sys.argv[1])
    print(time.process_time() - start)
"""
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
        first = [_very_first_start(path) for _ in range(setting.rounds(3))]
        calls = [
            [float(word) for word in run_python("-c", FIRST_CALLS, str(path)).split()]
            for _ in range(setting.rounds(9))
        ]
    what = "start to the first picture on disk, warm caches"
    yield faster(seconds, "run", "libraries", what, "import of the libraries alone", "<= 1.5")
    limits = {"first": first, "second": [1.0] * len(first)}
    yield faster(limits, "first", "second", "the very first start, in seconds", "", "<= 3")
    firsts, others = map(list, zip(*calls, strict=True))
    yield faster(
        {"first": firsts, "second": others}, "first", "second",
        "first call after load(warmup=True), processor time", "the second call", "<= 1.1",
    )  # fmt: skip
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


def _very_first_start(photo: Path) -> float:
    """Seconds to the first picture of a package that has just been unpacked, without any cache."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("engine", "models"):
            shutil.copytree(name, Path(folder, name), ignore=shutil.ignore_patterns("__pycache__"))
        command = [sys.executable, "-m", "engine.run", str(photo), "-o", "out", "-q"]
        here = {"PYTHONPATH": folder, "NUMBA_CACHE_DIR": f"{folder}/cache"}
        start = time.perf_counter()
        subprocess.run(command, check=True, cwd=folder, env=os.environ | here)
        return time.perf_counter() - start


def run_python(*arguments: str) -> str:
    """What a Python process prints, on one line."""
    done = subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True)
    return re.sub(r"\s+", " ", done.stdout).strip()
