"""Which colour each pixel has: flat regions with rounded borders, and soft tones in shading.

Soft where the smoothed picture changes slowly, sharp at edges: Winnemoeller, Olsen and Gooch's soft
quantisation (2006). A step of hard quantisation would jump with the least noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.cartoon.colours import Palette
from engine.cartoon.refined.styles import METRIC, Style
from engine.cartoon.refined.working import Working
from engine.kernels import tones as kernels
from engine.strips import at_once, in_strips

GENTLE, STEEP = 2.5, 5.0
"""Change per u, in `METRIC`'s scale, up to which shading is soft, and from which on it is hard."""
LEAST_INSIDE = 0.3
"""Alpha from which on a pixel votes for its region."""
NOBODY = 255
"""Label of the pixels that do not vote."""


@dataclass(frozen=True, eq=False)
class Regions:
    """Regions of one colour, and where soft tones replace them."""

    fields: NDArray[np.uint8]
    """(N, h, w): how much of each colour there is nearby, 0..255."""
    labels: NDArray[np.uint8]
    """(h, w): index of the highest field, the nearest colour's with rounded borders."""
    tones: NDArray[np.uint8]
    """(h, w, 3) RGB, passing softly from colour to colour."""
    soft: NDArray[np.uint8]
    """(h, w): 255 where the tones hold, 0 where the flat colour does."""


def find_regions(
    lab: NDArray[np.float32],
    working: Working,
    palette: Palette,
    style: Style,
    threads: int,
) -> Regions:
    """Regions of a smoothed picture, float32 (h, w, 3), in a palette's colours."""
    height, width = working.alpha.shape
    labels, soft = np.empty((2, height, width), np.uint8)
    tones = np.empty((height, width, 3), np.uint8)
    colours = (palette.lab * METRIC).astype(np.float32)
    painted = palette.rgb.copy()  # kernels take no array that cannot be written to
    rules = style.softness, GENTLE / working.unit, STEEP / working.unit
    softness, gentle, steep = np.array(rules, np.float32)

    def assign(top: int, bottom: int) -> None:
        kernels.assign(
            lab, working.alpha, colours, painted, softness, gentle, steep, top, bottom,
            labels, tones, soft,
        )  # fmt: skip

    in_strips(assign, height, width, threads)
    fields = _find_fields(labels, working, len(palette), style.round_sigma, threads)
    rounded = np.empty_like(labels)
    in_strips(
        lambda top, bottom: kernels.find_highest(fields, top, bottom, rounded),
        height, width, threads,
    )  # fmt: skip
    soft = _blur_softness(soft, working.unit) if style.softness else np.zeros_like(soft)
    soft[labels != rounded] = 0  # specks that the rounding took away stay away
    return Regions(fields, rounded, tones, soft)


def _find_fields(
    labels: NDArray[np.uint8], working: Working, count: int, round_sigma: float, threads: int
) -> NDArray[np.uint8]:
    """Blurred indicators of the labels; they also go on outside of the silhouette."""
    voting = np.where(working.alpha > LEAST_INSIDE, labels, np.uint8(NOBODY))
    first, second = _find_boxes(round_sigma * working.unit)
    fields = np.empty((count, *labels.shape), np.uint8)

    def blur(start: int) -> None:
        for index in range(start, count, parts):
            indicator = cv2.compare(voting, np.array([index], np.uint8), cv2.CMP_EQ)
            if first > 1:
                indicator = cv2.blur(indicator, (first, first))
            cv2.blur(indicator, (second, second), dst=fields[index])

    parts = min(threads, count)
    list(at_once([partial(blur, start) for start in range(parts)], threads))
    return fields


def _find_boxes(sigma: float) -> tuple[int, int]:
    """Widths of two box filters, odd, that together are nearest to a Gaussian; they are quicker."""
    boxes = [(first, second) for first in range(1, 16, 2) for second in (first, first + 2)]
    return min(boxes, key=lambda box: abs((box[0] ** 2 + box[1] ** 2 - 2) / 12 - sigma**2))


def _blur_softness(soft: NDArray[np.uint8], unit: float) -> NDArray[np.uint8]:
    """Held back beside edges, and without edges of its own."""
    narrow = cv2.erode(soft, np.ones((3, 3), np.uint8))
    return np.asarray(cv2.GaussianBlur(narrow, (0, 0), unit), np.uint8)
