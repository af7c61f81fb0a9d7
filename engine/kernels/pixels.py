"""Passes over the pixels: histograms of the channels, quantisation, blending."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import kernel


@kernel("void(uint8[:, :, ::1], int64[:, ::1])")
def count_levels(hsv: np.ndarray, hists: np.ndarray) -> None:
    """Adds the pixels of `hsv`, uint8 (H, W, 3), to `hists`, int64 (3, 256)."""
    # Two sets of counters: equal neighbours do not wait for each other's store.
    odd = np.zeros((3, 256), np.int64)
    height, width = hsv.shape[:2]
    for y in range(height):
        for x in range(0, width - 1, 2):
            for c in range(3):
                hists[c, hsv[y, x, c]] += 1
                odd[c, hsv[y, x + 1, c]] += 1
        if width % 2:
            for c in range(3):
                hists[c, hsv[y, width - 1, c]] += 1
    hists += odd


@kernel("void(uint8[:, :, ::1], uint8[:, ::1])")
def quantise(hsv: np.ndarray, tables: np.ndarray) -> None:
    """Replaces each value of `hsv`, uint8 (H, W, 3), by its entry in `tables`, uint8 (3, 256)."""
    for y in range(hsv.shape[0]):
        for x in range(hsv.shape[1]):
            for c in range(3):
                hsv[y, x, c] = tables[c, hsv[y, x, c]]


@kernel("void(uint8[:, :, ::1], float32[:, ::1], uint8[:, :, ::1], uint8[:, :, ::1])")
def blend(photo: np.ndarray, alpha: np.ndarray, background: np.ndarray, out: np.ndarray) -> None:
    """Lays `photo`, uint8 (H, W, 3), by `alpha`, float32 (H, W) in 0..1, on `background`.

    `background` is uint8 (H, W, 3), or (1, 1, 3) for one colour; the result goes to `out`.
    """
    height, width = alpha.shape
    last_row, last_column = background.shape[0] - 1, background.shape[1] - 1
    for y in range(height):
        for x in range(width):
            share = alpha[y, x]
            for c in range(3):
                below = np.float32(background[min(y, last_row), min(x, last_column), c])
                mixed = below + share * (np.float32(photo[y, x, c]) - below)
                out[y, x, c] = np.uint8(np.rint(mixed))
