"""The cartoon of a picture, step by step, in OpenCV and NumPy: the definition of classic."""

from __future__ import annotations

import cv2
import numpy as np

from engine.reference.palette import k_histogram

HUE_LEVELS = 180
LEVELS = 256


def cartoonize(image: np.ndarray) -> np.ndarray:
    """The cartoon, uint8 (H, W, 3), of `image`, uint8 (H, W, 3), treated as RGB."""
    image = np.ascontiguousarray(image)
    smooth = np.dstack(
        [cv2.bilateralFilter(np.ascontiguousarray(image[..., c]), 5, 50, 50) for c in range(3)]
    )
    edges = cv2.Canny(smooth, 100, 200)
    hsv = cv2.cvtColor(smooth, cv2.COLOR_RGB2HSV)
    palette = [k_histogram(hist) for hist in count_levels(hsv)]
    quantised = np.dstack([quantise(hsv[..., c], palette[c]) for c in range(3)])
    cartoon = cv2.cvtColor(quantised, cv2.COLOR_HSV2RGB)
    contours, _ = cv2.findContours(edges, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(cartoon, contours, -1, (0, 0, 0), 1)
    return cartoon


def count_levels(hsv: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels per level of hue, int64 (180,), saturation and value, int64 (256,)."""
    hue, saturation, value = (hsv[..., c].ravel() for c in range(3))
    return (
        np.bincount(hue, minlength=HUE_LEVELS),
        np.bincount(saturation, minlength=LEVELS),
        np.bincount(value, minlength=LEVELS),
    )


def quantise(channel: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """Each value replaced by its nearest centroid, truncated; a tie goes to the lower index."""
    distance = np.abs(channel[..., None].astype(np.float64) - centroids)
    return np.asarray(centroids[distance.argmin(axis=-1)], np.uint8)
