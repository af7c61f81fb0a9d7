"""Class of each pixel from low-resolution logits, without upsampling them all."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import helper, kernel

# A cell whose four corners agree by more than this share of the largest logit is decided:
# rounding in the interpolation is below a hundredth of it.
SAFE_MARGIN = 1e-4


@helper
def _decide_cells(logits: np.ndarray) -> np.ndarray:
    """The class of all pixels between four neighbouring logits, or -1 where it varies."""
    classes, h, w = logits.shape
    safe = np.float32(SAFE_MARGIN) * np.abs(logits).max()
    winner = np.empty((h, w), np.int64)
    for y in range(h):
        for x in range(w):
            best, best_value, second = 0, logits[0, y, x], np.float32(-np.inf)
            for c in range(1, classes):
                value = logits[c, y, x]
                if value > best_value:
                    best, best_value, second = c, value, best_value
                elif value > second:
                    second = value
            winner[y, x] = best if best_value - second > safe else -1
    decided = winner.copy()
    for y in range(h):
        for x in range(w):
            y1, x1 = min(y + 1, h - 1), min(x + 1, w - 1)
            if not winner[y, x] == winner[y, x1] == winner[y1, x] == winner[y1, x1]:
                decided[y, x] = -1
    return decided


@kernel("void(float32[:, :, ::1], uint8[:, ::1])")
def upsample_labels(logits: np.ndarray, label_map: np.ndarray) -> None:
    """Argmax of `logits`, float32 (C, h, w), upsampled bilinearly to `label_map`, uint8 (H, W)."""
    classes, h, w = logits.shape
    height, width = label_map.shape
    decided = _decide_cells(logits)
    scale_y, scale_x = np.float32(h) / np.float32(height), np.float32(w) / np.float32(width)
    half, zero, one = np.float32(0.5), np.float32(0), np.float32(1)
    for y in range(height):
        source_y = max(scale_y * (np.float32(y) + half) - half, zero)
        y0 = min(int(source_y), h - 1)
        y1 = min(y0 + 1, h - 1)
        low_y = source_y - np.float32(y0)
        high_y = one - low_y
        for x in range(width):
            source_x = max(scale_x * (np.float32(x) + half) - half, zero)
            x0 = min(int(source_x), w - 1)
            if decided[y0, x0] >= 0:
                label_map[y, x] = decided[y0, x0]
                continue
            x1 = min(x0 + 1, w - 1)
            low_x = source_x - np.float32(x0)
            high_x = one - low_x
            best, best_value = 0, np.float32(-np.inf)
            for c in range(classes):
                top = high_x * logits[c, y0, x0] + low_x * logits[c, y0, x1]
                bottom = high_x * logits[c, y1, x0] + low_x * logits[c, y1, x1]
                value = high_y * top + low_y * bottom
                if value > best_value:
                    best, best_value = c, value
            label_map[y, x] = best
