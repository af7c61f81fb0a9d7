"""Bilinear upsampling in float32, as torch does it."""

from __future__ import annotations

import numpy as np


def upsample(maps: np.ndarray, height: int, width: int, align_corners: bool) -> np.ndarray:
    """`maps`, float32 (C, h, w), at (C, H, W).

    Corners on corners, or half-pixel centres with the border repeated.
    """
    y0, y1, low_y = _source_rows(maps.shape[1], height, align_corners)
    x0, x1, low_x = _source_rows(maps.shape[2], width, align_corners)
    one = np.float32(1)
    rows = (one - low_x) * maps[:, :, x0] + low_x * maps[:, :, x1]
    low_y = low_y[:, None]
    return np.asarray((one - low_y) * rows[:, y0] + low_y * rows[:, y1])


def _source_rows(
    size: int, wanted: int, align_corners: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each new row: the source rows before and after it, and the share of the latter."""
    wanted_rows = np.arange(wanted, dtype=np.float32)
    if align_corners:
        scale = np.float32(size - 1) / np.float32(max(wanted - 1, 1))
        source = scale * wanted_rows
    else:
        half = np.float32(0.5)
        scale = np.float32(size) / np.float32(wanted)
        source = np.maximum(scale * (wanted_rows + half) - half, np.float32(0))
    before = np.minimum(source.astype(np.int64), size - 1)
    return before, np.minimum(before + 1, size - 1), source - before.astype(np.float32)
