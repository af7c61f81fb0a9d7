"""Ink lines by a flow-based difference of Gaussians, with thresholds that follow the contrast.

Kang, Lee and Chui (2007); Kyprianidis and Doellner (2008); hysteresis after Canny (1986). A soft
face or a hazy photo has lower thresholds, a harsh or busy texture higher ones.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.cartoon.refined.working import Working
from engine.kernels import lines as kernels
from engine.strips import in_strips

SMOOTHED_SHARE = 0.4
"""Of the smoothed lightness in what lines are found in; the rest is the photo's."""
LEAST_SIGMA = 0.45
"""Photo pixels: a photo has nothing finer."""
WIDER = 1.6
"""The wider Gaussian's sigma per the finer one's, near to the Laplacian of Gaussian (Marr 1980)."""
FLOW_SIGMA = 2.2
TEXTURE_SIGMA, REGION_SIGMA = 12.0, 20.0
"""In u: the flow's smoothing, and how far around a pixel texture and contrast are judged."""
LENGTH, STRIDE = 5.0, 1.5
"""In u: how far a line is averaged along the flow to each side, and in which steps."""
WEAK, STRONG = 0.65, 2.0
"""L*, times the gain: a stroke is drawn where it is above the first if it reaches the second."""
FLOOR = 0.7
"""Of the weak threshold: a response below it is not averaged, because it would hardly reach it."""
TEXTURE = 0.55
"""The threshold rises by so much of the mean response nearby."""
USUAL_CONTRAST = 2.0
"""L*, 95th percentile of the response, at which the gain is 1."""
LEAST_GAIN, MOST_GAIN = 0.22, 1.2
LEAST_AREA = 26.0
"""u squared: smaller strokes are dots."""
REMOVED = -1.0
"""Level of what is not drawn."""

Field = NDArray[np.float32]


def find_ink(
    smoothed: Field, working: Working, sigma: float, detail: float, threads: int = 1
) -> Field:
    """The strokes, float32 (h, w): ink is where it is above 0.

    Parameters
    ----------
    smoothed : float32 (h, w, 3)
        CIE Lab.
    sigma : float, above 0
        Of the finer Gaussian, in u.
    detail : float, 0..2
        Shorter strokes are kept where it is higher.
    """
    unit, alpha = working.unit, working.alpha
    sigma = max(sigma * unit, LEAST_SIGMA * working.scale)
    inner = _blur(_mix_light(smoothed, working), sigma)
    outer = _blur(inner, sigma * math.sqrt(WIDER**2 - 1))
    response = np.subtract(outer, inner, outer)  # positive on the dark side
    tangent = _find_flow(inner, unit)
    gain, texture = _find_contrast(response, alpha, unit)
    average = _average_along(response, tangent, gain, unit, threads)
    height, width = alpha.shape
    gain /= np.float32(working.pen)
    threshold = np.float32(WEAK) * gain + np.float32(TEXTURE) * texture
    level = np.subtract(average, cv2.resize(threshold, (width, height)), average)
    _drop_weak(level, np.float32(STRONG - WEAK) * gain, unit, detail)
    return level


def drop_specks(ink: Field, unit: float, detail: float) -> None:
    """Removes strokes, (h, w), that are too short, in place: a mixture of two drawings has some."""
    _drop_weak(ink, np.zeros([-(-side // 4) for side in ink.shape], np.float32), unit, detail)


def _drop_weak(level: Field, strong: Field, unit: float, detail: float) -> None:
    least = max(2, round(LEAST_AREA * unit * unit * 2 ** (1 - detail)))
    kernels.drop_weak(level, strong, least, np.float32(REMOVED))


def _mix_light(smoothed: Field, working: Working) -> Field:
    """L* of both; outside of the person the smoothed one goes on, so that there is no edge."""
    mixed = working.lab[..., 0] * np.float32(100 / 255)
    mixed -= smoothed[..., 0]
    mixed *= np.float32(1 - SMOOTHED_SHARE) * working.alpha
    mixed += smoothed[..., 0]
    return mixed


def _find_flow(light: Field, unit: float) -> Field:
    """The tangent at half the size, because it is smooth: float32 (ceil(h / 2), ceil(w / 2), 2)."""
    half = _reduce(light, 2)
    tensor = np.empty((*half.shape, 3), np.float32)
    kernels.find_tensor(half, tensor)
    tensor = _blur(tensor, FLOW_SIGMA * unit / 2)
    tangent = np.empty((*half.shape, 2), np.float32)
    kernels.find_tangent(tensor, tangent)
    return tangent


def _find_contrast(response: Field, alpha: Field, unit: float) -> tuple[Field, Field]:
    """Gain of the thresholds, and the mean response nearby, both at a quarter of the size."""
    inside = _reduce(alpha, 4)
    strength = _reduce(np.abs(response), 4)

    def mean(sigma: float) -> Field:
        sigma *= unit / 4
        return _blur(strength * inside, sigma) / (_blur(inside, sigma) + np.float32(1e-3))

    sample = response[::3, ::3][alpha[::3, ::3] > 0.9]
    highest = max(0.0, float(np.percentile(sample, 95))) if sample.size else USUAL_CONTRAST
    gain = np.sqrt(np.float32(4 * highest) * mean(REGION_SIGMA)) / np.float32(USUAL_CONTRAST)
    return np.clip(gain, np.float32(LEAST_GAIN), np.float32(MOST_GAIN)), mean(TEXTURE_SIGMA)


def _average_along(
    response: Field, tangent: Field, gain: Field, unit: float, threads: int
) -> Field:
    height, width = response.shape
    stride = max(1.0, STRIDE * unit)
    steps = max(2, round(LENGTH * unit / stride))
    weights = np.exp(-0.5 * (np.arange(steps + 1) / (steps / 2)) ** 2).astype(np.float32)
    floor = np.float32(FLOOR * WEAK)
    average = np.empty_like(response)
    in_strips(
        lambda top, bottom: kernels.average_along(
            response, tangent, weights, np.float32(stride), gain, floor, top, bottom, average
        ),
        height, width, threads,
    )  # fmt: skip
    return average


def _blur(field: Field, sigma: float) -> Field:
    return np.asarray(cv2.GaussianBlur(field, (0, 0), sigma), np.float32)


def _reduce(field: Field, divisor: int) -> Field:
    """Means of squares, as many as begin in the field."""
    height, width = field.shape
    size = -(-width // divisor), -(-height // divisor)
    return np.asarray(cv2.resize(field, size, interpolation=cv2.INTER_AREA), np.float32)
