"""The working picture: the person, at the size at which all decisions are made."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.cartoon.refined.styles import UNITS
from engine.kernels.smooth import unmix_white

LEAST_ALPHA = 0.02
"""Less of the person is not seen."""
SEEN = 1_000_000
"""Pixels that are looked at to find the person."""
MARGIN = 8
"""Units around the person: as far as blurs and the outline reach."""
LARGEST = 760.0
"""Pixels of the reference length: eyes in a group of five are still ten pixels wide."""
LEAST_SIDE = 8
"""Pixels, because blurs reflect at the borders."""
MOST_SIDE = int(LARGEST**2) // LEAST_SIDE
"""Pixels: a strip of the least width is as large as a square."""
HALVES = 2
"""A photo is halved at most so often before the rest of its reduction, because halving is quick."""


@dataclass(frozen=True, eq=False)
class Working:
    """The person's own colours, also at the rim, in a picture of (h, w)."""

    lab: NDArray[np.uint8]
    """(h, w, 3), OpenCV's 8-bit Lab."""
    alpha: NDArray[np.float32]
    """(h, w), 0..1."""
    unit: float
    """Pixels in a unit."""
    scale: float
    """Working pixels per photo pixel."""
    box: tuple[int, int, int, int]
    """Left, top, right, bottom of the part of the photo that it shows."""
    is_whole: bool
    """Whether the whole picture is drawn, without a silhouette."""


def find_working(cutout: NDArray[np.uint8], alpha: NDArray[np.float32] | None) -> Working | None:
    """The working picture of a cut-out on white; None where nothing is kept.

    `cutout` is uint8 (H, W, 3) RGB, `alpha` float32 (H, W), None for the whole picture.
    """
    height, width = cutout.shape[:2]
    left, top, w, h = (0, 0, width, height) if alpha is None else _find_person(alpha)
    if not w:
        return None
    reference = (float(height) * width * w * h) ** 0.25
    scale = _find_scale(reference)
    unit = scale * reference / UNITS
    halves = max(0, min(HALVES, int(-math.log2(scale))))
    margin = math.ceil(MARGIN * unit / scale)
    left, right = _widen(left - margin, left + w + margin, width, 2**halves)
    top, bottom = _widen(top - margin, top + h + margin, height, 2**halves)
    box = (left, top, right, bottom)
    sides = (right - left, bottom - top)
    size = tuple(min(MOST_SIDE, max(LEAST_SIDE, round(side * scale))) for side in sides)
    colours = _resize(cutout[top:bottom, left:right], size, halves)
    if alpha is None:
        shares = np.ones(colours.shape[:2], np.float32)
    else:
        shares = _resize(alpha[top:bottom, left:right], size, halves)
        unmix_white(colours, shares)
    lab = np.asarray(cv2.cvtColor(colours, cv2.COLOR_RGB2LAB), np.uint8)
    return Working(lab, shares, unit, scale, box, alpha is None)


def _find_person(alpha: NDArray[np.float32]) -> tuple[int, int, int, int]:
    """Left, top, width and height; no width for nobody.

    Every so many pixels are looked at in a large photo: what lies between is within the margin.
    """
    step = max(1, math.isqrt(alpha.size // SEEN))
    sample = np.ascontiguousarray(alpha[::step, ::step])
    left, top, width, height = cv2.boundingRect(cv2.inRange(sample, LEAST_ALPHA, 1.0))
    return left * step, top * step, width * step, height * step


def _find_scale(reference: float) -> float:
    """Working pixels per photo pixel: whole numbers for small photos.

    A shift by whole pixels then shifts their drawing, and changes nothing else.
    """
    if reference >= LARGEST / 2:
        return min(1.0, LARGEST / reference)
    return 2.0 if reference >= LARGEST / 4 else 3.0


def _widen(first: int, last: int, length: int, divisor: int) -> tuple[int, int]:
    """The range cut off at the borders, and as far as these allow widened to a multiple."""
    first, last = max(0, first), min(length, last)
    last = min(length, last + (first - last) % divisor)
    return max(0, first - (first - last) % divisor), last


def _resize(part: NDArray[Any], size: tuple[int, ...], halves: int) -> NDArray[Any]:
    """A copy of (h, w), given as w, h. Halving leaves out what is less than a pixel of the half."""
    for _ in range(halves):
        height, width = (max(1, side // 2) for side in part.shape[:2])
        part = cv2.resize(
            part[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA
        )
    if size == part.shape[1::-1]:
        return part.copy()
    if size[0] > part.shape[1] or size[1] > part.shape[0]:
        return cv2.resize(part, size, interpolation=cv2.INTER_CUBIC)
    # What was halved is free of noise, and needs no means over areas, which take five times longer.
    return cv2.resize(part, size, interpolation=cv2.INTER_LINEAR if halves else cv2.INTER_AREA)
