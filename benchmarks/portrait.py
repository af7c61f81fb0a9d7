"""The photo that is measured."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.data import astronaut


def portrait(height: int, width: int, interpolation: int = cv2.INTER_CUBIC) -> NDArray[np.uint8]:
    """A real portrait at that size, uint8 (height, width, 3) RGB, in the public domain."""
    resized = cv2.resize(astronaut(), (width, height), interpolation=interpolation)
    return resized.astype(np.uint8, copy=False)
