"""Probability to alpha matte."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

EDGE_KERNEL = (7, 7)


def soft_matte(probability: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
    """Alpha, float32 (H, W) in 0..1: 1 where the probability is above the threshold, edge blurred.

    The blur is classic's 7 x 7 Gaussian, in the photo's own pixels.
    """
    mask = np.where(probability > threshold, np.uint8(255), np.uint8(0))
    soft = cv2.GaussianBlur(mask, EDGE_KERNEL, 0)
    return np.asarray(soft, np.float32) / np.float32(255)
