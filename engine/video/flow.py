"""How the picture moves from one frame to the next, and where that can be trusted.

Dense inverse search: Kroeger, Timofte, Dai and Van Gool, "Fast Optical Flow using Dense Inverse
Search" (2016), at a low resolution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

SHRINK = 2
"""The network's picture is reduced so far: flow is smooth, and needs no more."""
MIN_SIDE = 16
"""Pixels: dense inverse search needs at least two patches."""
FINEST = 1
"""Scale at which patches are searched, half the size: at a quarter, limbs are lost."""
REFINEMENTS = 1
"""Of the motion that was found: the frame before explains this one no better after more of them."""
WINDOW = (5, 5)
"""Pixels over which errors are averaged: noise is no error."""
STILL = 2
"""Levels, summed over the channels. Where not to move explains a frame as well as the flow does, or
worse by less, nothing moves: the flow of a still picture would be its noise."""
NOISE, FAILURE = 8.0, 40.0
"""Levels, summed over the channels: errors up to the first do not count; one that exceeds it by the
second leaves a third of the trust."""


LEAST_LIT = 100.0
"""Pixels that it takes to tell how the light changes."""
MOST_LIGHT = 1.1
"""Per frame: a larger change is no slow one."""


@dataclass(frozen=True, eq=False)
class Glance:
    """A frame as the flow sees it."""

    colours: NDArray[np.uint8]
    """(h, w, 3) RGB."""
    grey: NDArray[np.uint8]
    """(h, w)."""


@dataclass(frozen=True, eq=False)
class Motion:
    """From each pixel of a frame to where it was in the frame before."""

    way: NDArray[np.float32]
    """(h, w, 2): x and y, in pixels of this grid."""
    trust: NDArray[np.float32]
    """(h, w), 0..1: 0 where the frame before does not explain this one."""
    light: float = 1.0
    """How many times lighter people are than in the frame before."""

    def scaled(self, height: int, width: int) -> Motion:
        """The same on a grid of another size."""
        h, w = self.trust.shape
        way = cv2.resize(self.way, (width, height)) * np.array([width / w, height / h])
        trust = cv2.resize(self.trust, (width, height))
        return Motion(np.asarray(way, np.float32), np.asarray(trust, np.float32))


def glance(small: NDArray[np.uint8]) -> Glance:
    """What the flow sees of a frame as the network sees it, uint8 (h, w, 3) RGB."""
    size = tuple(max(MIN_SIDE, side // SHRINK) for side in small.shape[1::-1])
    # Halved, two pixels are averaged; OpenCV's means over areas take eight times longer.
    colours = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    return Glance(colours, np.asarray(cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY), np.uint8))


class FlowFinder:
    """Finds the motion between two frames; for one thread at a time."""

    def __init__(self) -> None:
        self._search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._search.setFinestScale(FINEST)
        self._search.setVariationalRefinementIterations(REFINEMENTS)

    def __call__(self, before: Glance, now: Glance) -> Motion:
        """The motion from `before` to `now`, which have the same size."""
        # None, because what is handed over is taken for a first guess.
        found = self._search.calc(now.grey, before.grey, None)  # type: ignore[call-overload]
        way = np.asarray(found, np.float32)
        moved = find_error(warp(before.colours, way), now.colours)
        still = find_error(before.colours, now.colours)
        rests = still <= moved.astype(np.int16) + STILL
        way[rests] = 0
        trust = np.take(_TRUST, np.where(rests, still, moved))
        trust[~_stays_inside(way)] = 0
        return Motion(way, trust)


def find_light(
    before: Glance, now: Glance, motion: Motion, probability: NDArray[np.float32]
) -> float:
    """How many times lighter people are than in the frame before, where the motion is trusted.

    `probability` is float32 of any size, that of people in `now`.
    """
    height, width = now.grey.shape
    weight = motion.trust**2 * cv2.resize(probability, (width, height))
    if weight.sum() < LEAST_LIT:
        return 1.0
    was = (weight * warp(before.grey, motion.way)).sum()
    ratio = float((weight * now.grey).sum() / max(1.0, float(was)))
    return min(max(ratio, 1 / MOST_LIGHT), MOST_LIGHT)


def warp(picture: NDArray[Any], way: NDArray[np.float32]) -> NDArray[Any]:
    """The frame before, (h, w) or (h, w, C), laid on this one, bilinearly."""
    height, width = way.shape[:2]
    x = way[..., 0] + np.arange(width, dtype=np.float32)
    y = way[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    return cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def find_error(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mean difference nearby of two pictures, uint8 (h, w, 3): levels summed over the channels."""
    sums = cv2.transform(cv2.absdiff(one, other), np.ones((1, 3)))
    return np.asarray(cv2.blur(sums, WINDOW), np.uint8)


def _stays_inside(way: NDArray[np.float32]) -> NDArray[np.bool_]:
    height, width = way.shape[:2]
    x = way[..., 0] + np.arange(width, dtype=np.float32)
    y = way[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    return np.asarray((x >= -0.5) & (y >= -0.5) & (x <= width - 0.5) & (y <= height - 0.5))


_TRUST = np.exp(-((np.maximum(0, np.arange(256) - NOISE) / FAILURE) ** 2)).astype(np.float32)
