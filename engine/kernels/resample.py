"""Pillow's bilinear resampling, and the normalisation that follows it."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import helper, kernel

PRECISION = 22  # bits after the point of a weight


@helper
def _add_line(sums: np.ndarray, weight: np.int32, line: np.ndarray) -> None:
    for x in range(len(sums)):
        sums[x] += np.int32(weight * np.int32(line[x]))


@helper
def _round_line(sums: np.ndarray, out: np.ndarray) -> None:
    for x in range(len(sums)):
        out[x] = sums[x] >> PRECISION


@kernel(
    "void(uint8[:, ::1], int64[::1], int64[::1], int32[:, ::1],"
    " int64[::1], int64[::1], int32[:, ::1], int64, int64, uint8[:, ::1])"
)
def resample(
    photo: np.ndarray,
    row_starts: np.ndarray,
    row_counts: np.ndarray,
    row_weights: np.ndarray,
    column_starts: np.ndarray,
    column_counts: np.ndarray,
    column_weights: np.ndarray,
    top: int,
    bottom: int,
    out: np.ndarray,
) -> None:
    """The rows `top` to `bottom` of `out`, uint8 (h, w * 3), of `photo`, uint8 (H, W * 3).

    For each row and column of `out`: the first one of the photo, how many, and their weights, int32
    in units of 2**-22. Across first, rounded to whole levels, then down.
    """
    half = np.int32(1 << (PRECISION - 1))
    width = out.shape[1] // 3
    first = row_starts[top]
    last = row_starts[bottom - 1] + row_counts[bottom - 1]
    across = np.empty((last - first, width * 3), np.uint8)
    for y in range(first, last):
        line, row = across[y - first], photo[y]
        for x in range(width):
            r, g, b = half, half, half
            start = column_starts[x]
            taps = row[3 * start : 3 * (start + column_counts[x])]
            weights = column_weights[x]
            for i in range(column_counts[x]):
                weight = weights[i]
                r += weight * np.int32(taps[3 * i])
                g += weight * np.int32(taps[3 * i + 1])
                b += weight * np.int32(taps[3 * i + 2])
            line[3 * x] = r >> PRECISION
            line[3 * x + 1] = g >> PRECISION
            line[3 * x + 2] = b >> PRECISION
    sums = np.empty(width * 3, np.int32)
    for y in range(top, bottom):
        sums[:] = half
        for i in range(row_counts[y]):
            _add_line(sums, row_weights[y, i], across[row_starts[y] + i - first])
        _round_line(sums, out[y])


@kernel("void(uint8[:, :, ::1], float32[:, ::1], int64, float32[:, :, :, ::1])")
def normalise(photo: np.ndarray, tables: np.ndarray, step: int, tensor: np.ndarray) -> None:
    """Each level of `photo`, uint8 (h, w, 3), by its channel's table, to a (1, 3, h, w) tensor.

    `tables` is float32 (3, 256), in the order of the tensor; with a `step` of -1 that is the
    photo's order backwards.
    """
    height, width = photo.shape[:2]
    for y in range(height):
        for c in range(3):
            channel = c if step > 0 else 2 - c
            for x in range(width):
                tensor[0, c, y, x] = tables[c, photo[y, x, channel]]
