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
SMALL = 60.0
"""Photo pixels, mean side of the person's box, below which lines are finer and fewer."""
HALVES = 2
"""A photo is halved at most so often before the rest of its reduction, because halving is quick."""


@dataclass(frozen=True)
class View:
    """Which part of a photo is drawn, and how large."""

    box: tuple[int, int, int, int]
    """Left, top, right, bottom, in pixels of the photo."""
    scale: float
    """Working pixels per photo pixel."""
    reference: float
    """Photo pixels: the reference length, which is UNITS units long."""
    size: tuple[int, int]
    """Height and width of the photo."""

    @property
    def unit(self) -> float:
        """Working pixels in a unit."""
        return self.scale * self.reference / UNITS

    @property
    def pen(self) -> float:
        """Weight of the lines, 0..1: 1 but for small people, of whom they would leave nothing."""
        height, width = self.size
        return min(1.0, self.reference**2 / math.sqrt(height * width) / SMALL)

    @property
    def working_size(self) -> tuple[int, int]:
        """Height and width of the working picture."""
        left, top, right, bottom = self.box
        height, width = (
            min(MOST_SIDE, max(LEAST_SIDE, round(side * self.scale)))
            for side in (bottom - top, right - left)
        )
        return height, width


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
    pen: float
    """Weight of the lines, 0..1."""
    is_whole: bool
    """Whether the whole picture is drawn, without a silhouette."""


def find_working(cutout: NDArray[np.uint8], alpha: NDArray[np.float32] | None) -> Working | None:
    """The working picture of a cut-out on white; None where nothing is kept.

    `cutout` is uint8 (H, W, 3) RGB, `alpha` float32 (H, W), None for the whole picture.
    """
    view = find_view(cutout.shape[:2], alpha)
    return None if view is None else make_working(cutout, alpha, view)


def find_view(size: tuple[int, ...], alpha: NDArray[np.float32] | None) -> View | None:
    """The view of a photo of a height and a width; None where nothing is kept."""
    height, width = size
    left, top, w, h = (0, 0, width, height) if alpha is None else _find_person(alpha)
    if not w:
        return None
    reference = (float(height) * width * w * h) ** 0.25
    scale = find_scale(reference)
    unit, multiple = scale * reference / UNITS, 2 ** _find_halves(scale)
    margin = math.ceil(MARGIN * unit / scale)
    left, right = _widen(left - margin, left + w + margin, width, multiple)
    top, bottom = _widen(top - margin, top + h + margin, height, multiple)
    return View((left, top, right, bottom), scale, reference, (height, width))


def make_working(
    cutout: NDArray[np.uint8], alpha: NDArray[np.float32] | None, view: View
) -> Working:
    """The working picture of what a view shows of a cut-out on white."""
    left, top, right, bottom = view.box
    halves, size = _find_halves(view.scale), view.working_size[::-1]
    colours = _resize(cutout[top:bottom, left:right], size, halves)
    if alpha is None:
        shares = np.ones(colours.shape[:2], np.float32)
    else:
        shares = _resize(alpha[top:bottom, left:right], size, halves)
        unmix_white(colours, shares)
    lab = np.asarray(cv2.cvtColor(colours, cv2.COLOR_RGB2LAB), np.uint8)
    return Working(lab, shares, view.unit, view.scale, view.box, view.pen, alpha is None)


def find_scale(reference: float) -> float:
    """Working pixels per photo pixel: whole numbers for small photos.

    A shift by whole pixels then shifts their drawing, and changes nothing else.
    """
    if reference >= LARGEST / 2:
        return min(1.0, LARGEST / reference)
    return 2.0 if reference >= LARGEST / 4 else 3.0


def _find_halves(scale: float) -> int:
    return max(0, min(HALVES, int(-math.log2(scale))))


def _find_person(alpha: NDArray[np.float32]) -> tuple[int, int, int, int]:
    """Left, top, width and height; no width for nobody.

    Every so many pixels are looked at in a large photo: what lies between is within the margin.
    """
    step = max(1, math.isqrt(alpha.size // SEEN))
    sample = np.ascontiguousarray(alpha[::step, ::step])
    left, top, width, height = cv2.boundingRect(cv2.inRange(sample, LEAST_ALPHA, 1.0))
    return left * step, top * step, width * step, height * step


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
