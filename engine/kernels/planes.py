"""Planes over colour, from a low resolution to a photo's pixels."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import helper, kernel

STRETCH = 1.04
"""So that a logit of 4 is enough for an alpha of exactly 0 or 1."""


@helper
def _to_alpha(logit: np.float32) -> np.float32:
    half = np.float32(0.5)
    share = np.float32(1) / (np.float32(1) + np.exp(-logit))
    spread = (share - half) * np.float32(STRETCH) + half
    return np.float32(min(max(spread, np.float32(0)), np.float32(1)))


@kernel("void(float32[:, :, ::1], uint8[:, :, ::1], float32[:, ::1])")
def evaluate(planes: np.ndarray, guide: np.ndarray, alpha: np.ndarray) -> None:
    """Alpha of planes, float32 (h, w, 4), at the colours of `guide`, uint8 (h, w, 3)."""
    for y in range(guide.shape[0]):
        for x in range(guide.shape[1]):
            fit = planes[y, x, 3]
            for c in range(3):
                fit += planes[y, x, c] * (np.float32(guide[y, x, c]) / np.float32(255))
            alpha[y, x] = _to_alpha(fit)


@helper
def _between(maps: np.ndarray, y0: int, y1: int, share: float, line: np.ndarray) -> None:
    """The line of `maps` between two rows."""
    one = np.float32(1)
    for x in range(maps.shape[1]):
        for c in range(maps.shape[2]):
            line[x, c] = (one - share) * maps[y0, x, c] + share * maps[y1, x, c]


@kernel(
    "void(uint8[:, :, ::1], float32[:, :, ::1], uint8[:, ::1], int64[::1], float32[::1],"
    " int64[::1], float32[::1], float32[:, ::1], uint8[:, :, ::1])"
)
def refine(
    photo: np.ndarray,
    maps: np.ndarray,
    decided: np.ndarray,
    row_before: np.ndarray,
    row_share: np.ndarray,
    column_starts: np.ndarray,
    column_share: np.ndarray,
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
    alpha, foreground
        For the results; the latter a copy of the photo, changed where alpha is between 0 and 1.
    """
    h, w, depth = maps.shape
    line = np.empty((w, depth), np.float32)
    here = np.empty(depth, np.float32)
    zero, one, top = np.float32(0), np.float32(1), np.float32(255)
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
                part = _to_alpha(fit)
                alpha[y, x] = part
                if zero < part < one:
                    for c in range(3):
                        person, behind = here[4 + c], here[7 + c]
                        mixed = part * person + (one - part) * behind
                        colour = person + part * (np.float32(photo[y, x, c]) - mixed)
                        foreground[y, x, c] = np.uint8(np.rint(min(max(colour, zero), top)))
