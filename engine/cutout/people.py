"""Bystanders out of a probability: the largest people stay."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def keep_largest(
    probability: NDArray[np.float32], threshold: float, count: int
) -> NDArray[np.float32]:
    """The probability, float32 (h, w), at 0 wherever the nearest person is not one of the largest.

    People are 8-connected parts above the threshold, so those who touch each other are one. `count`
    of them, from 1, stay as they are, with the unsure pixels around them. Equal to
    `engine.reference.people` but for pixels about as near to one person as to another.
    """
    kept = probability > threshold
    if not kept.any():
        return probability
    _, nearest = cv2.distanceTransformWithLabels(
        (~kept).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_CCOMP
    )
    areas = np.bincount(nearest[kept])
    largest = np.argsort(-areas, kind="stable")[:count]
    return np.where(np.isin(nearest, largest), probability, np.float32(0))
