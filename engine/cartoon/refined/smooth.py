"""Edge-preserving smoothing: the recursive domain transform of Gastal and Oliveira (2011).

One round, rows before columns, normalised by alpha: nothing of the background enters, and the
person's colours go on outside of the silhouette.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.cartoon.refined.working import Working
from engine.kernels import smooth as kernels
from engine.strips import in_strips

GUIDE_SIGMA = 0.7
"""In u: the photo's noise is no edge."""
RANGE = 21.0
"""Levels, summed over the channels of 8-bit Lab, that count as far as the whole reach."""
COLOUR_REACH = 1.5
"""Colour runs so much further than lightness: a highlight on skin keeps the skin's hue."""
COLOUR_BARRIER = 1.5
"""Levels times u: softer changes of the guide do not hold colour back."""


def smooth(working: Working, reach: float, threads: int) -> NDArray[np.float32]:
    """CIE Lab, float32 (h, w, 3), smoothed within `reach` pixels but not over edges."""
    lab, unit = working.lab, working.unit
    height, width = lab.shape[:2]
    guide = cv2.GaussianBlur(lab, (0, 0), GUIDE_SIGMA * unit)
    down, across = _find_steps(guide), _find_steps(cv2.transpose(guide))
    feedback = _find_feedback(unit, reach)
    planes = np.empty((height, kernels.PLANES, width), np.float32)
    smoothed = np.empty((height, width, 3), np.float32)

    def filter_rows(top: int, bottom: int) -> None:
        kernels.weigh(lab, working.alpha, top, bottom, planes)
        kernels.filter_rows(planes, across, feedback, top, bottom)

    in_strips(filter_rows, height, width, threads)
    in_strips(
        lambda left, right: kernels.filter_columns(planes, down, feedback, left, right),
        width, height, threads,
    )  # fmt: skip
    in_strips(
        lambda top, bottom: kernels.divide(planes, top, bottom, smoothed), height, width, threads
    )
    return smoothed


def _find_steps(guide: NDArray[Any]) -> NDArray[np.uint8]:
    """|dL| + |da| + |db| from the row above, uint8 (h, w), at most 255; 0 in the first row."""
    steps = np.zeros(guide.shape[:2], np.uint8)
    if len(guide) > 1:
        steps[1:] = cv2.transform(cv2.absdiff(guide[1:], guide[:-1]), np.ones((1, 3)))
    return steps


def _find_feedback(unit: float, reach: float) -> NDArray[np.float32]:
    """What a pixel takes over of its neighbour, float32 (2, 256), at each step of the guide."""
    steps = np.arange(256.0)
    beyond = np.maximum(0, steps - COLOUR_BARRIER / unit)
    distance = np.stack([
        1 + reach / RANGE * steps,
        1 / COLOUR_REACH + reach / RANGE * beyond,
    ])  # fmt: skip
    return np.exp(-math.sqrt(2) / reach * distance).astype(np.float32)
