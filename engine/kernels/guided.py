"""The guided filter's inner loops; same results as engine/reference/guided.py."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import helper, kernel

MOMENTS = 13


@helper
def _add_row(
    guide: np.ndarray, confidence: np.ndarray, y: int, sign: int, columns: np.ndarray
) -> None:
    """Adds a row's moments, or takes them away again, to the sums of each column."""
    for x in range(confidence.shape[1]):
        r, g, b = np.int64(guide[y, x, 0]), np.int64(guide[y, x, 1]), np.int64(guide[y, x, 2])
        p = np.int64(confidence[y, x])
        columns[x, 0] += sign * r
        columns[x, 1] += sign * g
        columns[x, 2] += sign * b
        columns[x, 3] += sign * p
        columns[x, 4] += sign * r * p
        columns[x, 5] += sign * g * p
        columns[x, 6] += sign * b * p
        columns[x, 7] += sign * r * r
        columns[x, 8] += sign * r * g
        columns[x, 9] += sign * r * b
        columns[x, 10] += sign * g * g
        columns[x, 11] += sign * g * b
        columns[x, 12] += sign * b * b


@helper
def _solve(sums: np.ndarray, count: int, epsilon: float, out: np.ndarray) -> None:
    """The plane a . colour + b that fits the confidence best in one window, by Cramer's rule."""
    n = np.float64(count)
    scale = n * n * 65025.0  # 255 squared
    mr, mg, mb, mp = sums[0] / n, sums[1] / n, sums[2] / n, sums[3] / n
    # Whole numbers up to here: nothing is lost in the differences.
    cr = (count * sums[4] - sums[0] * sums[3]) / scale
    cg = (count * sums[5] - sums[1] * sums[3]) / scale
    cb = (count * sums[6] - sums[2] * sums[3]) / scale
    rr = (count * sums[7] - sums[0] * sums[0]) / scale + epsilon
    rg = (count * sums[8] - sums[0] * sums[1]) / scale
    rb = (count * sums[9] - sums[0] * sums[2]) / scale
    gg = (count * sums[10] - sums[1] * sums[1]) / scale + epsilon
    gb = (count * sums[11] - sums[1] * sums[2]) / scale
    bb = (count * sums[12] - sums[2] * sums[2]) / scale + epsilon
    irr, irg, irb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    igg, igb, ibb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    determinant = rr * irr + rg * irg + rb * irb
    ar = (irr * cr + irg * cg + irb * cb) / determinant
    ag = (irg * cr + igg * cg + igb * cb) / determinant
    ab = (irb * cr + igb * cg + ibb * cb) / determinant
    out[0], out[1], out[2] = ar, ag, ab
    out[3] = (mp - (ar * mr + ag * mg + ab * mb)) / 255.0


@kernel("void(uint8[:, :, ::1], uint8[:, ::1], int64, float64, int64, int64, float32[:, :, ::1])")
def fit_planes(
    guide: np.ndarray,
    confidence: np.ndarray,
    radius: int,
    epsilon: float,
    top: int,
    bottom: int,
    planes: np.ndarray,
) -> None:
    """For each pixel of the rows `top` to `bottom` the plane of the window around it, cut off at
    the borders, in `planes`, float32 (h, w, 4).

    `guide` is uint8 (h, w, 3), `confidence` uint8 (h, w); plane . (r, g, b, 1), colours in 0..1,
    is the confidence in 0..1.
    """
    h, w = confidence.shape
    columns = np.zeros((w, MOMENTS), np.int64)
    sums = np.empty(MOMENTS, np.int64)
    first = max(0, top - radius)
    for y in range(first, min(top + radius, h)):
        _add_row(guide, confidence, y, 1, columns)
    for y in range(top, bottom):
        if y + radius < h:
            _add_row(guide, confidence, y + radius, 1, columns)
        if y - radius > first:
            _add_row(guide, confidence, y - radius - 1, -1, columns)
        rows = min(h, y + radius + 1) - max(0, y - radius)
        sums[:] = 0
        for x in range(min(radius, w)):
            sums += columns[x]
        for x in range(w):
            if x + radius < w:
                sums += columns[x + radius]
            if x - radius > 0:
                sums -= columns[x - radius - 1]
            count = rows * (min(w, x + radius + 1) - max(0, x - radius))
            _solve(sums, count, epsilon, planes[y, x])


@helper
def _between(maps: np.ndarray, y0: int, y1: int, share: float, line: np.ndarray) -> None:
    """The line of `maps` between two rows."""
    one = np.float32(1)
    for x in range(maps.shape[1]):
        for c in range(maps.shape[2]):
            line[x, c] = (one - share) * maps[y0, x, c] + share * maps[y1, x, c]


@kernel(
    "void(uint8[:, :, ::1], float32[:, :, ::1], uint8[:, ::1], int64[::1], float32[::1],"
    " int64[::1], float32[::1], float32, float32[:, ::1], uint8[:, :, ::1])"
)
def refine(
    photo: np.ndarray,
    maps: np.ndarray,
    decided: np.ndarray,
    row_before: np.ndarray,
    row_share: np.ndarray,
    column_starts: np.ndarray,
    column_share: np.ndarray,
    contrast: np.float32,
    alpha: np.ndarray,
    foreground: np.ndarray,
) -> None:
    """Alpha, float32 (H, W), and the person's colours, uint8 (H, W, 3), of a photo.

    Parameters
    ----------
    maps : float32 (h, w, 10)
        At low resolution: the plane, the colour of the person nearby, and that of the background.
    decided : uint8 (h, w)
        0 or 255 for a cell, right of and below its corner, that is all background or all person;
        else 128.
    row_before, row_share : (H,)
        The row of maps before each pixel's, and the share of the one after.
    column_starts, column_share : (w + 1,), (W,)
        The first pixel of each column of cells, and as above.
    contrast
        How much the fitted plane is spread about one half to become alpha.
    alpha, foreground
        For the results; the latter a copy of the photo, changed where alpha is between 0 and 1.
    """
    h, w, depth = maps.shape
    line = np.empty((w, depth), np.float32)
    here = np.empty(depth, np.float32)
    zero, half, one, top = np.float32(0), np.float32(0.5), np.float32(1), np.float32(255)
    for y in range(photo.shape[0]):
        y0 = row_before[y]
        _between(maps, y0, min(y0 + 1, h - 1), row_share[y], line)
        for x0 in range(w):
            start, stop = column_starts[x0], column_starts[x0 + 1]
            if decided[y0, x0] != 128:
                alpha[y, start:stop] = one if decided[y0, x0] else zero
                continue
            x1 = min(x0 + 1, w - 1)
            for x in range(start, stop):
                share = column_share[x]
                for c in range(depth):
                    here[c] = (one - share) * line[x0, c] + share * line[x1, c]
                fit = here[3]
                for c in range(3):
                    fit += here[c] * (np.float32(photo[y, x, c]) / top)
                part = min(max((fit - half) * contrast + half, zero), one)
                alpha[y, x] = part
                if zero < part < one:
                    for c in range(3):
                        person, behind = here[4 + c], here[7 + c]
                        mixed = part * person + (one - part) * behind
                        colour = person + part * (np.float32(photo[y, x, c]) - mixed)
                        foreground[y, x, c] = np.uint8(np.rint(min(max(colour, zero), top)))
