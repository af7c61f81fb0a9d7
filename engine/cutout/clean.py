"""Left-over background out of a probability: stray islands and pinholes."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SMALL_SHARE = 0.05
"""An island is small below this share of the largest one's area."""
SURE = 0.9
"""A small island that is nowhere as probable as this is not a person."""
SKIRT = 2
"""Pixels around an island that go with it."""
PINHOLE_SHARE = 0.005
"""A hole is filled when it is smaller than this share of the largest island, and nowhere surely
background."""


def clean(probability: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
    """The probability, float32 (h, w), small unsure islands at 0 and small unsure holes at 1.

    Islands are 8-connected parts above the threshold; holes are 4-connected parts below it that do
    not touch the border. Small people stay, if the network is sure of them somewhere.
    """
    kept = probability > threshold
    count, parts, stats, _ = cv2.connectedComponentsWithStats(kept.astype(np.uint8))
    islands = np.asarray(parts, np.intp)
    if count == 1:
        return probability
    areas = stats[:, cv2.CC_STAT_AREA]
    largest = areas[1:].max()
    peaks = np.zeros(count, np.float32)
    np.maximum.at(peaks, islands, probability)
    stray = (areas < SMALL_SHARE * largest) & (peaks < np.float32(SURE))
    stray[0] = False
    dropped = cv2.dilate(stray[islands].astype(np.uint8), np.ones((2 * SKIRT + 1,) * 2)) > 0
    cleaned = np.where(dropped & (stray[islands] | ~kept), np.float32(0), probability)
    holes = _pinholes(probability, kept, PINHOLE_SHARE * largest)
    return np.where(holes, np.float32(1), cleaned)


def _pinholes(
    probability: NDArray[np.float32], kept: NDArray[np.bool_], area: float
) -> NDArray[np.bool_]:
    gaps = (~kept).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(gaps, connectivity=4)
    parts = np.asarray(labels, np.intp)
    sureness = np.zeros(count, np.float32)  # of being background
    np.maximum.at(sureness, parts, 1 - probability)
    left, top, width, height, areas = stats.T
    inside = (left > 0) & (top > 0)
    inside &= (left + width < kept.shape[1]) & (top + height < kept.shape[0])
    filled = inside & (areas < area) & (sureness < np.float32(SURE))
    filled[0] = False
    return np.asarray(filled[parts])
