"""A drawing mixed with the frame before's; same results as engine/reference/carry.py."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import helper, kernel


@helper
def _lay_row(
    y: int,
    motion: np.ndarray,
    rows: np.ndarray,
    row_share: np.ndarray,
    columns: np.ndarray,
    column_share: np.ndarray,
    line: np.ndarray,
    ways: np.ndarray,
) -> None:
    """The motion at each pixel of a row, float32 (w, 3), bilinear, down before across."""
    row, share = rows[y], row_share[y]
    after = min(row + 1, motion.shape[0] - 1)
    for j in range(motion.shape[1]):
        for c in range(3):
            line[j, c] = motion[row, j, c] + share * (motion[after, j, c] - motion[row, j, c])
    for x in range(len(ways)):
        left, share = np.uint64(columns[x]), column_share[x]
        right = np.uint64(min(columns[x] + 1, motion.shape[1] - 1))
        for c in range(3):
            ways[x, c] = line[left, c] + share * (line[right, c] - line[left, c])


@helper
def _mix(
    a: np.float32, b: np.float32, c: np.float32, d: np.float32, fx: np.float32, fy: np.float32
) -> np.float32:
    """Between a and b above, and c and d below: across before down."""
    above = a + fx * (b - a)
    return above + fy * (c + fx * (d - c) - above)


@kernel(
    "void(float32[:, :, ::1], uint8[:, :, ::1], float32[:, ::1], float32[:, :, ::1],"
    " float32[:, :, ::1], float32[:, :, ::1], float32[:, :, ::1], int64[::1], float32[::1],"
    " int64[::1], float32[::1], float32[::1], float32[::1], float32, float32[::1], float32,"
    " float32, int64, int64)"
)
def carry_picture(
    smoothed: np.ndarray,
    lab: np.ndarray,
    alpha: np.ndarray,
    kept: np.ndarray,
    old: np.ndarray,
    old_kept: np.ndarray,
    motion: np.ndarray,
    rows: np.ndarray,
    row_share: np.ndarray,
    columns: np.ndarray,
    column_share: np.ndarray,
    xs: np.ndarray,
    ys: np.ndarray,
    light: np.float32,
    per_unit: np.ndarray,
    most: np.float32,
    calm: np.float32,
    top: int,
    bottom: int,
) -> None:
    """Mixes the rows `top` to `bottom` of a picture, in place, with where they were before.

    Parameters
    ----------
    smoothed, alpha : float32 (h, w, 3), (h, w)
        Where alpha is 0, nothing is mixed.
    lab : uint8 (h, w, 3)
        Of which the lightness is mixed, and rounded.
    kept : float32 (h, w, 2)
        For the lightness before it is rounded, and alpha.
    old, old_kept : float32 (h', w', 3), (h', w', 2)
        What became of `smoothed` and `kept` in the frame before.
    motion : float32 (m, n, 3)
        Way to where a pixel was, x and y in pixels of `old`, and trust in it, 0..1.
    rows, row_share, columns, column_share
        For each row and column: the cell of `motion` before it, the share of the next one.
    xs, ys : float32 (w,), (h,)
        Where pixels that do not move lie in `old`.
    light
        What all of the old but alpha is multiplied by.
    per_unit : float32 (5,)
        One over the difference from which on pixels are taken to be of different things.
    most : 0..1
        The share of the old at full trust and without any difference.
    calm
        What the squared difference is multiplied by where nothing moves, 0..1.
    """
    zero, one = np.float32(0), np.float32(1)
    last_row, last_column = np.float32(old.shape[0] - 1), np.float32(old.shape[1] - 1)
    line = np.empty((motion.shape[1], 3), np.float32)
    ways = np.empty((alpha.shape[1], 3), np.float32)
    for y in range(top, bottom):
        _lay_row(y, motion, rows, row_share, columns, column_share, line, ways)
        for x in range(alpha.shape[1]):
            lightness = np.float32(lab[y, x, 0])
            kept[y, x, 0], kept[y, x, 1] = lightness, alpha[y, x]
            x0, y0, trust = xs[x] + ways[x, 0], ys[y] + ways[x, 1], ways[x, 2]
            inside = x0 >= zero and y0 >= zero and x0 <= last_column and y0 <= last_row
            if not inside or alpha[y, x] <= zero:
                continue
            j, i = np.int32(x0), np.int32(y0)
            fx, fy = x0 - np.float32(j), y0 - np.float32(i)
            left, above = np.uint64(j), np.uint64(i)
            right = np.uint64(j + np.int32(x0 < last_column))
            below = np.uint64(i + np.int32(y0 < last_row))
            rests = fx == zero and fy == zero
            l0, a0, b0 = old[above, left, 0], old[above, left, 1], old[above, left, 2]
            m0, n0 = old_kept[above, left, 0], old_kept[above, left, 1]
            if not rests:
                l0 = _mix(
                    l0, old[above, right, 0], old[below, left, 0], old[below, right, 0], fx, fy
                )
                a0 = _mix(
                    a0, old[above, right, 1], old[below, left, 1], old[below, right, 1], fx, fy
                )
                b0 = _mix(
                    b0, old[above, right, 2], old[below, left, 2], old[below, right, 2], fx, fy
                )
                m0 = _mix(
                    m0, old_kept[above, right, 0], old_kept[below, left, 0],
                    old_kept[below, right, 0], fx, fy,
                )  # fmt: skip
                n0 = _mix(
                    n0, old_kept[above, right, 1], old_kept[below, left, 1],
                    old_kept[below, right, 1], fx, fy,
                )  # fmt: skip
            l1, a1, b1 = smoothed[y, x, 0], smoothed[y, x, 1], smoothed[y, x, 2]
            m1, n1 = lightness, alpha[y, x]
            dl, da, db = light * l0 - l1, light * a0 - a1, light * b0 - b1
            dm, dn = light * m0 - m1, n0 - n1
            ul, ua, ub = dl * per_unit[0], da * per_unit[1], db * per_unit[2]
            um, un = dm * per_unit[3], dn * per_unit[4]
            difference = ul * ul + ua * ua + ub * ub + um * um + un * un
            if rests:
                difference *= calm
            if difference < one:
                weight = most * trust * (one - difference)
                smoothed[y, x, 0] = l1 + weight * dl
                smoothed[y, x, 1] = a1 + weight * da
                smoothed[y, x, 2] = b1 + weight * db
                lightness, share = m1 + weight * dm, n1 + weight * dn
                kept[y, x, 0], kept[y, x, 1], alpha[y, x] = lightness, share, share
                lab[y, x, 0] = np.uint8(np.rint(min(lightness, np.float32(255))))


@kernel(
    "void(float32[:, ::1], float32[:, ::1], float32[:, ::1], float32[:, ::1],"
    " float32[:, :, ::1], int64[::1], float32[::1], int64[::1], float32[::1], float32[::1],"
    " float32[::1], float32, float32, float32, float32, int64, int64)"
)
def carry_lines(
    ink: np.ndarray,
    edge: np.ndarray,
    old_ink: np.ndarray,
    old_edge: np.ndarray,
    motion: np.ndarray,
    rows: np.ndarray,
    row_share: np.ndarray,
    columns: np.ndarray,
    column_share: np.ndarray,
    xs: np.ndarray,
    ys: np.ndarray,
    per_unit: np.float32,
    most: np.float32,
    least: np.float32,
    calm: np.float32,
    top: int,
    bottom: int,
) -> None:
    """The same for strokes and silhouette, float32 (h, w); see `carry_picture`.

    `per_unit` is one over the difference of `edge` from which on it has really moved. Where `edge`
    is not above `least`, nothing is mixed.
    """
    zero, one = np.float32(0), np.float32(1)
    last_row, last_column = np.float32(old_ink.shape[0] - 1), np.float32(old_ink.shape[1] - 1)
    line = np.empty((motion.shape[1], 3), np.float32)
    ways = np.empty((ink.shape[1], 3), np.float32)
    for y in range(top, bottom):
        _lay_row(y, motion, rows, row_share, columns, column_share, line, ways)
        for x in range(ink.shape[1]):
            x0, y0, trust = xs[x] + ways[x, 0], ys[y] + ways[x, 1], ways[x, 2]
            inside = x0 >= zero and y0 >= zero and x0 <= last_column and y0 <= last_row
            if not inside or edge[y, x] <= least:
                continue
            j, i = np.int32(x0), np.int32(y0)
            fx, fy = x0 - np.float32(j), y0 - np.float32(i)
            left, above = np.uint64(j), np.uint64(i)
            right = np.uint64(j + np.int32(x0 < last_column))
            below = np.uint64(i + np.int32(y0 < last_row))
            was_ink = _mix(
                old_ink[above, left], old_ink[above, right],
                old_ink[below, left], old_ink[below, right], fx, fy,
            )  # fmt: skip
            was_edge = _mix(
                old_edge[above, left], old_edge[above, right],
                old_edge[below, left], old_edge[below, right], fx, fy,
            )  # fmt: skip
            d = (was_edge - edge[y, x]) * per_unit
            difference = d * d
            if fx == zero and fy == zero:
                difference *= calm
            if difference < one:
                weight = most * trust * (one - difference)
                ink[y, x] += weight * (was_ink - ink[y, x])
                edge[y, x] += weight * (was_edge - edge[y, x])
