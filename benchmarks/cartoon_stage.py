"""The cartoon stage against the method as published, NumPy with a table, and OpenCV's own floor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.testing import assert_array_equal

import engine
from benchmarks import document
from benchmarks.portrait import portrait
from benchmarks.rows import Row, faster
from benchmarks.setting import Setting
from engine.cartoon.classic import stylise
from engine.cartoon.classic.smooth import smooth
from engine.options import CartoonOptions
from engine.reference import palette as reference

LARGE, SMALL = (3000, 4000), (288, 432)
OPTIONS = CartoonOptions()


def measure(setting: Setting) -> Iterator[Row]:
    """Rows of this section."""
    yield from _palette(setting)
    yield from _recolour(setting)
    yield from _smooth(setting, LARGE, "12 MP", 9)
    yield from _smooth(setting, SMALL, "432 x 288", 41)
    full = portrait(*setting.size(*LARGE))
    cutout = np.full_like(full, 255)
    height, width = full.shape[:2]
    person = (slice(height // 10, None), slice(width // 4, width * 139 // 200))  # 40 %
    cutout[person] = full[person]
    yield from _whole(full, "12 MP", setting, 5, "<= 1.15", ">= 11")
    yield from _whole(cutout, "12 MP, 40 % person on white", setting, 5, "<= 0.7", ">= 18")
    yield from _whole(portrait(*SMALL), "432 x 288", setting, 41, "", ">= 14")
    medium = portrait(*setting.size(1080, 1920))
    yield from _whole(medium, "1920 x 1080", setting, 9, "", "")


def _palette(setting: Setting) -> Iterator[Row]:
    hsv = cv2.cvtColor(portrait(512, 512), cv2.COLOR_RGB2HSV)
    hists = [
        np.bincount(hsv[..., c].ravel(), minlength=n) for c, n in ((0, 180), (1, 256), (2, 256))
    ]
    contenders = {
        "document": lambda: [document.k_histogram(hist) for hist in hists],
        "reference": lambda: [reference.k_histogram(hist) for hist in hists],
        "engine": lambda: [engine.k_histogram(hist) for hist in hists],
    }
    _check_equal(contenders)
    seconds = setting.in_turns(contenders, 21)
    what = "k_histogram, three channels"
    yield faster(seconds, "engine", "document", what, "the method as published", ">= 1000")
    yield faster(seconds, "engine", "reference", what, "the vectorised reference of the tests")


def _recolour(setting: Setting) -> Iterator[Row]:
    size, threads = setting.size(*LARGE), setting.threads
    smoothed = stylise._smooth(portrait(*size), OPTIONS, swap=False, threads=threads)
    interleaved = np.ascontiguousarray(smoothed.transpose(1, 2, 0))
    planes, out = np.empty_like(smoothed), np.empty_like(interleaved)
    everything = (slice(0, size[0]), slice(0, size[1]))

    def ours() -> np.ndarray:
        np.copyto(planes, smoothed)  # they are overwritten; the copy is part of the time
        counts = stylise._to_hsv(planes, threads)
        drawing = stylise.Drawing(out, *stylise._find_palette(counts, OPTIONS), counts, ())
        stylise._paint(planes, drawing, everything, False, out, threads)
        return out

    contenders = {
        "table": lambda: document.recolour(interleaved, document.quantise_by_table),
        "engine": ours,
    }
    _check_equal(contenders)
    seconds = setting.in_turns(contenders, 7)
    what = "HSV, histograms, palette, colours and RGB at 12 MP"
    yield faster(seconds, "engine", "table", what, "NumPy with a table", ">= 6")


def _smooth(setting: Setting, size: tuple[int, int], name: str, rounds: int) -> Iterator[Row]:
    image = portrait(*setting.size(*size))
    planes = [np.ascontiguousarray(image[..., c]) for c in range(3)]
    contenders: dict[str, Any] = {
        "opencv": lambda: [cv2.bilateralFilter(plane, 5, 50, 50) for plane in planes],
        "engine": lambda: smooth(planes, OPTIONS.smooth_sigma, setting.threads),
    }
    _check_equal(contenders)
    seconds = setting.in_turns(contenders, rounds)
    yield faster(seconds, "engine", "opencv", f"bilateral filter, {name}", "OpenCV's", ">= 1.3")


def _whole(
    image: np.ndarray, name: str, setting: Setting, rounds: int, floor_target: str, target: str
) -> Iterator[Row]:
    planes = [np.ascontiguousarray(image[..., c]) for c in range(3)]
    smoothed = document.smooth(image)
    edges = cv2.Canny(smoothed, 100, 200)

    def floor() -> None:
        filtered = [cv2.bilateralFilter(plane, 5, 50, 50) for plane in planes]
        cv2.Canny(smoothed, 100, 200)
        hsv = cv2.cvtColor(smoothed, cv2.COLOR_RGB2HSV)
        cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
        contours, _ = cv2.findContours(edges, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(hsv, contours, -1, (0, 0, 0), 1)
        assert len(filtered) == 3

    contenders: dict[str, Any] = {
        "document": lambda: document.cartoonize(image),
        "table": lambda: document.cartoonize(image, document.quantise_by_table),
        "engine": lambda: stylise.draw(image, OPTIONS, threads=setting.threads).cartoon,
    }
    _check_equal(contenders)
    seconds = setting.in_turns(contenders | {"floor": floor}, rounds)
    what = f"cartoon stage, {name}"
    yield faster(seconds, "engine", "document", what, "the method as published", target)
    yield faster(seconds, "engine", "table", what, "the same with a table")
    if floor_target:
        yield faster(seconds, "engine", "floor", what, "OpenCV's part of it alone", floor_target)


def _check_equal(contenders: dict[str, Any]) -> None:
    first, *others = (run() for run in contenders.values())
    for other in others:
        for a, b in zip(first, other, strict=True):
            assert_array_equal(a, b)
