"""A picture mixed with the frame before; same results as engine/reference/carry.py."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import kernel


@kernel(
    "void(float32[:, :, ::1], float32[:, :, ::1], float32[:, :, ::1], int64[::1], float32[::1],"
    " int64[::1], float32[::1], float32[::1], float32[::1], float32[::1], float32[::1], float32,"
    " float32, float32, int64, int64, float32[:, :, ::1])"
)
def carry(
    new: np.ndarray,
    old: np.ndarray,
    motion: np.ndarray,
    rows: np.ndarray,
    row_share: np.ndarray,
    columns: np.ndarray,
    column_share: np.ndarray,
    xs: np.ndarray,
    ys: np.ndarray,
    gain: np.ndarray,
    per_unit: np.ndarray,
    most: np.float32,
    least: np.float32,
    calm: np.float32,
    top: int,
    bottom: int,
    out: np.ndarray,
) -> None:
    """The rows `top` to `bottom` of `out`: each pixel, mixed with where it was before.

    Parameters
    ----------
    new, old : float32 (h, w, C), (h', w', C)
    motion : float32 (m, n, 3)
        Way to where a pixel was, x and y in pixels of `old`, and trust in it, 0..1.
    rows, row_share, columns, column_share
        For each row and column of `new`: the cell of `motion` before it, the share of the next one.
    xs, ys : float32 (w,), (h,)
        Where pixels that do not move lie in `old`.
    gain : float32 (C,)
        What `old` is multiplied by.
    per_unit : float32 (C,)
        One over the difference from which on pixels are taken to be of different things.
    most : 0..1
        The share of the old at full trust and without any difference.
    least
        Where the last channel of `new` is not above it, nothing is mixed.
    calm
        What the squared difference is multiplied by where nothing moves, 0..1.
    """
    zero, one = np.float32(0), np.float32(1)
    last_row, last_column = old.shape[0] - 1, old.shape[1] - 1
    line = np.empty((motion.shape[1], 3), np.float32)
    channels = new.shape[2]
    was = np.empty(channels, np.float32)
    for y in range(top, bottom):
        row, share = rows[y], row_share[y]
        after = min(row + 1, motion.shape[0] - 1)
        for j in range(motion.shape[1]):
            for c in range(3):
                line[j, c] = motion[row, j, c] + share * (motion[after, j, c] - motion[row, j, c])
        for x in range(new.shape[1]):
            for c in range(channels):
                out[y, x, c] = new[y, x, c]
            if new[y, x, channels - 1] <= least:
                continue
            j, share = columns[x], column_share[x]
            k = min(j + 1, motion.shape[1] - 1)
            trust = line[j, 2] + share * (line[k, 2] - line[j, 2])
            x0 = xs[x] + (line[j, 0] + share * (line[k, 0] - line[j, 0]))
            y0 = ys[y] + (line[j, 1] + share * (line[k, 1] - line[j, 1]))
            inside = (
                x0 >= zero
                and y0 >= zero
                and x0 <= np.float32(last_column)
                and y0 <= np.float32(last_row)
            )
            if not inside:
                continue
            left, above = int(x0), int(y0)
            right, below = min(left + 1, last_column), min(above + 1, last_row)
            fx, fy = x0 - np.float32(left), y0 - np.float32(above)
            difference = zero
            for c in range(channels):
                a, b = old[above, left, c], old[below, left, c]
                a = a + fx * (old[above, right, c] - a)
                b = b + fx * (old[below, right, c] - b)
                was[c] = gain[c] * (a + fy * (b - a))
                d = (was[c] - new[y, x, c]) * per_unit[c]
                difference += d * d
            if fx == zero and fy == zero:
                difference *= calm
            if difference < one:
                weight = most * trust * (one - difference)
                for c in range(channels):
                    out[y, x, c] = new[y, x, c] + weight * (was[c] - new[y, x, c])
