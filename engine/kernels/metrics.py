"""Squared error and structural similarity of a pair of pictures, from exact integer sums."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import helper, kernel

WINDOW = 7


@helper
def _add_row(columns: np.ndarray, a: np.ndarray, b: np.ndarray, y: int, c: int, sign: int) -> None:
    """Adds one row, times `sign`, to the columns' sums of x, y, xx, yy, xy."""
    for x in range(len(columns)):
        p, q = np.int64(a[y, x, c]), np.int64(b[y, x, c])
        columns[x, 0] += sign * p
        columns[x, 1] += sign * q
        columns[x, 2] += sign * p * p
        columns[x, 3] += sign * q * q
        columns[x, 4] += sign * p * q


@helper
def _row_of_windows(columns: np.ndarray) -> float:
    """Sum of the similarity over one row of windows (Wang et al. 2004, sample covariance)."""
    n = WINDOW * WINDOW
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    sx = sy = sxx = syy = sxy = 0
    total = 0.0
    for x in range(len(columns)):
        sx += columns[x, 0]
        sy += columns[x, 1]
        sxx += columns[x, 2]
        syy += columns[x, 3]
        sxy += columns[x, 4]
        if x >= WINDOW:
            sx -= columns[x - WINDOW, 0]
            sy -= columns[x - WINDOW, 1]
            sxx -= columns[x - WINDOW, 2]
            syy -= columns[x - WINDOW, 3]
            sxy -= columns[x - WINDOW, 4]
        if x >= WINDOW - 1:
            # Means, and (co)variances over n - 1, scaled to share their divisors.
            mean_product = sx * sy / (n * n)
            mean_squares = (sx * sx + sy * sy) / (n * n)
            covariance = (n * sxy - sx * sy) / (n * (n - 1))
            variances = (n * (sxx + syy) - sx * sx - sy * sy) / (n * (n - 1))
            total += ((2 * mean_product + c1) * (2 * covariance + c2)) / (
                (mean_squares + c1) * (variances + c2)
            )
    return total


@kernel("float64(uint8[:, :, ::1], uint8[:, :, ::1])")
def mean_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """SSIM of uint8 (H, W, C) pictures, both sides at least 7, over all whole 7 x 7 windows.

    Sums over each column of the window's rows are kept up to date from row to row; all sums
    are integers below 2**31, so that only the last formula rounds.
    """
    height, width, channels = a.shape
    total = 0.0
    columns = np.empty((width, 5), np.int64)
    for c in range(channels):
        columns[:] = 0
        channel_total = 0.0
        for y in range(height):
            _add_row(columns, a, b, y, c, 1)
            if y >= WINDOW:
                _add_row(columns, a, b, y - WINDOW, c, -1)
            if y >= WINDOW - 1:
                channel_total += _row_of_windows(columns)
        total += channel_total / ((height - WINDOW + 1) * (width - WINDOW + 1))
    return total / channels


@kernel("int64(uint8[:, :, ::1], uint8[:, :, ::1])")
def squared_error(a: np.ndarray, b: np.ndarray) -> int:
    """Sum of the squared differences of two uint8 (H, W, C) pictures."""
    total = np.int64(0)
    for y in range(a.shape[0]):
        for x in range(a.shape[1]):
            for c in range(a.shape[2]):
                difference = np.int64(a[y, x, c]) - np.int64(b[y, x, c])
                total += difference * difference
    return int(total)
