"""The classic cut-out: a label map and a photo to the kept classes on white."""

from __future__ import annotations

import cv2
import numpy as np

VOC_COLOURS = np.array(
    [
        (0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128), (128, 0, 128),
        (0, 128, 128), (128, 128, 128), (64, 0, 0), (192, 0, 0), (64, 128, 0), (192, 128, 0),
        (64, 0, 128), (192, 0, 128), (64, 128, 128), (192, 128, 128), (0, 64, 0), (128, 64, 0),
        (0, 192, 0), (128, 192, 0), (0, 64, 128),
    ],
    np.uint8,
)  # fmt: skip


def decode_segmap(label_map: np.ndarray, photo: np.ndarray) -> np.ndarray:
    """The cut-out on white, float64 (h, w, 3) in 0..1.

    `label_map` is integer (h, w) with VOC class indices 0..20, `photo` uint8 (H, W, 3) RGB.
    """
    painted = VOC_COLOURS[label_map]
    # Per channel: a class whose colour has a zero lets only its other channels through.
    mask = np.where(painted > 0, 255, 0).astype(np.uint8)
    alpha = cv2.GaussianBlur(mask, (7, 7), 0).astype(np.float64) / 255
    height, width = label_map.shape
    resized = cv2.resize(photo, (width, height)).astype(np.float64)
    return (alpha * resized + (1 - alpha) * 255) / 255
