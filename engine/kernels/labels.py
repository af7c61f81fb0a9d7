"""Low-resolution logits to the class of each pixel, and any one map to full size."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import helper, kernel

# A cell whose four corners agree by more than this share of the largest logit is decided:
# rounding in the interpolation is below a hundredth of it.
SAFE_MARGIN = 1e-4


@helper
def _challenge(
    c: int, values: np.ndarray, best: np.ndarray, best_value: np.ndarray, second: np.ndarray
) -> None:
    """The largest values so far, whose they are, and the second largest, after class `c`."""
    for x in range(len(values)):
        value = values[x]
        if value > best_value[x]:
            best[x], best_value[x], second[x] = c, value, best_value[x]
        elif value > second[x]:
            second[x] = value


@helper
def _decide_cells(logits: np.ndarray) -> np.ndarray:
    """The class of all pixels between four neighbouring logits, or -1 where it varies."""
    classes, h, w = logits.shape
    safe = np.float32(SAFE_MARGIN) * np.abs(logits).max()
    winner = np.empty((h, w), np.int64)
    best, best_value, second = (
        np.empty(w, np.int64),
        np.empty(w, np.float32),
        np.empty(w, np.float32),
    )
    for y in range(h):
        best[:] = 0
        best_value[:] = logits[0, y]
        second[:] = -np.inf
        for c in range(1, classes):
            _challenge(c, logits[c, y], best, best_value, second)
        for x in range(w):
            winner[y, x] = best[x] if best_value[x] - second[x] > safe else -1
    decided = winner.copy()
    for y in range(h):
        for x in range(w):
            y1, x1 = min(y + 1, h - 1), min(x + 1, w - 1)
            if not winner[y, x] == winner[y, x1] == winner[y1, x] == winner[y1, x1]:
                decided[y, x] = -1
    return decided


@kernel(
    "void(float32[:, :, ::1], int64[::1], float32[::1], int64[::1], float32[::1], uint8[:, ::1])"
)
def upsample_labels(
    logits: np.ndarray,
    rows: np.ndarray,
    row_share: np.ndarray,
    columns: np.ndarray,
    column_share: np.ndarray,
    label_map: np.ndarray,
) -> None:
    """Argmax of `logits`, float32 (C, h, w), upsampled bilinearly to `label_map`, uint8 (H, W).

    `rows` and `columns` are the logits before each pixel, the shares those of the next ones.
    """
    classes, h, w = logits.shape
    height, width = label_map.shape
    decided = _decide_cells(logits)
    one = np.float32(1)
    for y in range(height):
        y0 = rows[y]
        y1 = min(y0 + 1, h - 1)
        low_y = row_share[y]
        high_y = one - low_y
        for x in range(width):
            x0 = columns[x]
            if decided[y0, x0] >= 0:
                label_map[y, x] = decided[y0, x0]
                continue
            x1 = min(x0 + 1, w - 1)
            low_x = column_share[x]
            high_x = one - low_x
            best, best_value = 0, np.float32(-np.inf)
            for c in range(classes):
                top = high_x * logits[c, y0, x0] + low_x * logits[c, y0, x1]
                bottom = high_x * logits[c, y1, x0] + low_x * logits[c, y1, x1]
                value = high_y * top + low_y * bottom
                if value > best_value:
                    best, best_value = c, value
            label_map[y, x] = best


@kernel(
    "void(float32[:, ::1], int64[::1], float32[::1], int64[::1], float32[::1], float32[:, ::1])"
)
def upsample(
    maps: np.ndarray,
    rows: np.ndarray,
    row_share: np.ndarray,
    columns: np.ndarray,
    column_share: np.ndarray,
    out: np.ndarray,
) -> None:
    """`maps`, float32 (h, w), upsampled bilinearly to `out`, float32 (H, W)."""
    h, w = maps.shape
    one = np.float32(1)
    for y in range(out.shape[0]):
        y0 = rows[y]
        y1 = min(y0 + 1, h - 1)
        low_y = row_share[y]
        high_y = one - low_y
        for x in range(out.shape[1]):
            x0 = columns[x]
            x1 = min(x0 + 1, w - 1)
            low_x = column_share[x]
            high_x = one - low_x
            top = high_x * maps[y0, x0] + low_x * maps[y0, x1]
            bottom = high_x * maps[y1, x0] + low_x * maps[y1, x1]
            out[y, x] = high_y * top + low_y * bottom
