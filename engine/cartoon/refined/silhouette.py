"""The silhouette as a signed distance from a smoothed contour, not from the ragged mask."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.cartoon.refined.working import Working

SMOOTH_SIGMA = 1.6
"""In u: splinters of the mask go, fingers stay."""
EDGE_SIGMA = 1.5
"""In u: the blur of the hardened mask, from which distances up to about 4 u can be told."""
STEEPNESS = 4.0
"""Of the hardening, per u."""
LEAST_UNIT = 0.25
"""Photo pixels: with less, distances would end within the outline, which would fill everything."""
FAR = 1e4
"""Pixels: the distance where there is no silhouette."""
_STEPS = 1024


def find_silhouette(working: Working) -> NDArray[np.float32]:
    """Distance from the silhouette in working pixels, float32 (h, w), above 0 inside."""
    if working.is_whole:
        return np.full(working.alpha.shape, FAR, np.float32)
    unit = max(working.unit, LEAST_UNIT * working.scale)
    soft = cv2.GaussianBlur(working.alpha, (0, 0), SMOOTH_SIGMA * unit)
    hard = np.clip((soft - np.float32(0.5)) * np.float32(STEEPNESS * unit) + np.float32(0.5), 0, 1)
    edge = cv2.GaussianBlur(hard, (0, 0), EDGE_SIGMA * unit)
    steps = np.asarray(np.rint(edge * np.float32(_STEPS)), np.int32)
    return np.take(_probit(EDGE_SIGMA * unit), steps)


def _probit(sigma: float) -> NDArray[np.float32]:
    """Distance from a straight edge that was blurred, for each 1024th of its value.

    The rational approximation 26.2.23 of Abramowitz and Stegun.
    """
    value = np.linspace(0, 1, _STEPS + 1)[1:-1]
    t = np.sqrt(-2 * np.log(np.minimum(value, 1 - value)))
    z = t - (2.515517 + 0.802853 * t + 0.010328 * t * t) / (
        1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t**3
    )
    z = np.concatenate([[-3.5], np.where(value < 0.5, -z, z), [3.5]])
    return np.asarray(z * sigma, np.float32)
