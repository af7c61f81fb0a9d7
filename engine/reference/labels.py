"""The class of each pixel: all logits upsampled, the largest taken."""

from __future__ import annotations

import numpy as np


def upsample_labels(logits: np.ndarray, height: int, width: int) -> np.ndarray:
    """Label map, uint8 (H, W), of logits, float32 (C, h, w).

    Bilinear in float32 with half-pixel centres (`align_corners=False`), the border repeated;
    on a tie the lower class.
    """
    y0, y1, low_y = _source_rows(logits.shape[1], height)
    x0, x1, low_x = _source_rows(logits.shape[2], width)
    one = np.float32(1)
    rows = (one - low_x) * logits[:, :, x0] + low_x * logits[:, :, x1]
    low_y = low_y[:, None]
    upsampled = (one - low_y) * rows[:, y0] + low_y * rows[:, y1]
    return np.asarray(upsampled.argmax(axis=0), np.uint8)


def _source_rows(size: int, wanted: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each wanted row: the source rows before and after it, and the share of the latter."""
    half = np.float32(0.5)
    scale = np.float32(size) / np.float32(wanted)
    source = np.maximum(scale * (np.arange(wanted, dtype=np.float32) + half) - half, np.float32(0))
    before = np.minimum(source.astype(np.int64), size - 1)
    return before, np.minimum(before + 1, size - 1), source - before.astype(np.float32)
