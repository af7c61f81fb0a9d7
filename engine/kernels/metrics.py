"""Squared error and structural similarity of a pair of pictures, from exact integer sums."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import helper, kernel

WINDOW = 7


@helper
def _slide(sums: np.ndarray, new: np.ndarray, old: np.ndarray) -> None:
    """Column sums, int32 (N,), one row further down."""
    for i in range(len(sums)):
        sums[i] += np.int32(new[i]) - np.int32(old[i])


@helper
def _slide_products(
    sums: np.ndarray, a: np.ndarray, b: np.ndarray, old_a: np.ndarray, old_b: np.ndarray
) -> None:
    for i in range(len(sums)):
        sums[i] += np.int32(a[i]) * np.int32(b[i]) - np.int32(old_a[i]) * np.int32(old_b[i])


@helper
def _widen(columns: np.ndarray, step: int, windows: np.ndarray) -> None:
    """Sums over seven columns of one channel each, which are `step` apart."""
    # Views: of an index with a sum Numba would check the sign, and vectorise nothing.
    second, third, fourth = columns[step:], columns[2 * step :], columns[3 * step :]
    fifth, sixth, seventh = columns[4 * step :], columns[5 * step :], columns[6 * step :]
    for i in range(len(windows)):
        first_half = columns[i] + second[i] + third[i] + fourth[i]
        windows[i] = first_half + fifth[i] + sixth[i] + seventh[i]


@helper
def _add_similarity(
    sx: np.ndarray, sy: np.ndarray, squares: np.ndarray, sxy: np.ndarray, totals: np.ndarray
) -> None:
    """Adds the similarity of a row of windows (Wang et al. 2004, sample covariance)."""
    n = WINDOW * WINDOW
    # The means are scaled by n squared, (co)variances by n (n - 1), and the constants with them.
    c1, c2 = (0.01 * 255) ** 2 * n * n, (0.03 * 255) ** 2 * n * (n - 1)
    for i in range(len(totals)):
        product = np.int32(sx[i] * sy[i])
        energy = np.int32(sx[i] * sx[i] + sy[i] * sy[i])
        covariance = np.int32(n * sxy[i] - product)
        variances = np.int32(n * squares[i] - energy)
        totals[i] += ((2.0 * product + c1) * (2.0 * covariance + c2)) / (
            (energy + c1) * (variances + c2)
        )


@kernel("float64(uint8[:, ::1], uint8[:, ::1], int64, int64, int64)")
def sum_ssim(a: np.ndarray, b: np.ndarray, channels: int, top: int, bottom: int) -> float:
    """SSIM summed over the channels and the 7 x 7 windows that start in rows `top` to `bottom`.

    The pictures are uint8 (H, W * channels), both sides at least 7. Sums over seven rows slide
    down; all sums are integers below 2**31, so that only the last formula rounds.
    """
    width = a.shape[1]
    nothing = np.zeros(width, np.uint8)
    columns = np.zeros((4, width), np.int32)
    windows = np.empty((4, width - (WINDOW - 1) * channels), np.int32)
    totals = np.zeros(windows.shape[1])
    for y in range(top, bottom + WINDOW - 1):
        old_a, old_b = nothing, nothing
        if y - top >= WINDOW:
            old_a, old_b = a[y - WINDOW], b[y - WINDOW]
        _slide(columns[0], a[y], old_a)
        _slide(columns[1], b[y], old_b)
        _slide_products(columns[2], a[y], a[y], old_a, old_a)
        _slide_products(columns[2], b[y], b[y], old_b, old_b)
        _slide_products(columns[3], a[y], b[y], old_a, old_b)
        if y - top >= WINDOW - 1:
            for i in range(4):
                _widen(columns[i], channels, windows[i])
            _add_similarity(windows[0], windows[1], windows[2], windows[3], totals)
    return totals.sum()


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
