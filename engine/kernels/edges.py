"""Canny's edges of a picture in planes, equal to OpenCV's, without its 16-bit gradients."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import helper, kernel

CANDIDATE, EDGE = 1, 2
TAN_SHIFT = 15
TAN_22 = 13573  # tan(22.5 degrees) in units of 2**-15
USUAL_PIXELS = 8
"""For each EDGE at least, in most pictures."""


@helper
def _gradient_at(
    planes: np.ndarray, y: int, x: int, dx: np.ndarray, dy: np.ndarray, norm: np.ndarray
) -> None:
    """One pixel of `_gradient` at the left or right border, which is repeated."""
    height, width = planes.shape[1:]
    above, below = max(y - 1, 0), min(y + 1, height - 1)
    before, after = max(x - 1, 0), min(x + 1, width - 1)
    for c in range(3):
        upper, here, lower = planes[c, above], planes[c, y], planes[c, below]
        diagonal = np.int64(lower[after]) - np.int64(upper[before])
        other = np.int64(upper[after]) - np.int64(lower[before])
        gx = diagonal + other + 2 * (np.int64(here[after]) - np.int64(here[before]))
        gy = diagonal - other + 2 * (np.int64(lower[x]) - np.int64(upper[x]))
        if c == 0 or abs(gx) + abs(gy) > norm[x + 1]:
            dx[x], dy[x], norm[x + 1] = gx, gy, abs(gx) + abs(gy)


@helper
def _gradient(planes: np.ndarray, y: int, dx: np.ndarray, dy: np.ndarray, norm: np.ndarray) -> None:
    """Sobel's gradient, int16 (W,), of the channel with the largest |dx| + |dy|, at norm[1:-1]."""
    height, width = planes.shape[1:]
    up, down = max(y - 1, 0), min(y + 1, height - 1)
    for c in range(3):
        above, here, below = planes[c, up], planes[c, y], planes[c, down]
        for x in range(1, width - 1):
            # Cast at each step: 16-bit lanes are what makes this loop fast.
            diagonal = np.int16(np.int16(below[x + 1]) - np.int16(above[x - 1]))
            other = np.int16(np.int16(above[x + 1]) - np.int16(below[x - 1]))
            across = np.int16(np.int16(here[x + 1]) - np.int16(here[x - 1]))
            down_here = np.int16(np.int16(below[x]) - np.int16(above[x]))
            gx = np.int16(diagonal + other + 2 * across)
            gy = np.int16(diagonal - other + 2 * down_here)
            largest = np.int16(abs(gx) + abs(gy))
            if c == 0 or largest > norm[x + 1]:
                dx[x], dy[x], norm[x + 1] = gx, gy, largest
    _gradient_at(planes, y, 0, dx, dy, norm)
    _gradient_at(planes, y, width - 1, dx, dy, norm)


@helper
def _is_peak(
    above: np.ndarray, here: np.ndarray, below: np.ndarray, x: int, dx: np.int64, dy: np.int64
) -> bool:
    """Whether no neighbour along the gradient is steeper; `x` counts the border of the norms."""
    steepness = here[x]
    across, down = abs(dx), abs(dy) << TAN_SHIFT
    flat = across * TAN_22
    if down < flat:
        return steepness > here[x - 1] and steepness >= here[x + 1]
    if down > flat + (across << (TAN_SHIFT + 1)):
        return steepness > above[x] and steepness >= below[x]
    side = -1 if (dx ^ dy) < 0 else 1
    return steepness > above[x - side] and steepness > below[x + side]


def find_peaks(
    planes: np.ndarray, low: int, high: int, top: int, bottom: int, edges: np.ndarray
) -> np.ndarray:
    """Marks the ridges of the gradient in the rows `top` to `bottom`.

    Parameters
    ----------
    planes : uint8 (3, H, W)
    low, high
        Ridges above `low` become CANDIDATE, above `high` EDGE, in levels of |dx| + |dy|.
    edges : uint8 (H + 2, W + 2)
        With a border of zeros, which stays.

    Returns the flat indices, int64, of the new EDGEs.
    """
    seeds = np.empty((bottom - top) * planes.shape[2] // USUAL_PIXELS + 1, np.int64)
    count = _find_peaks(planes, low, high, top, bottom, edges, seeds)
    if count > len(seeds):
        seeds = np.empty(count, np.int64)
        _find_peaks(planes, low, high, top, bottom, edges, seeds)
    return seeds[:count]


@kernel("int64(uint8[:, :, ::1], int64, int64, int64, int64, uint8[:, ::1], int64[::1])")
def _find_peaks(
    planes: np.ndarray, low: int, high: int, top: int, bottom: int, edges: np.ndarray,
    seeds: np.ndarray,
) -> int:  # fmt: skip
    """How many EDGEs there are; `seeds` takes the first ones, as many as it has room for."""
    height, width = planes.shape[1:]
    dx, dy = np.empty((2, width), np.int16), np.empty((2, width), np.int16)
    norms = np.zeros((3, width + 2), np.int16)  # beyond the picture: 0
    for y in range(max(top - 1, 0), top + 1):
        _gradient(planes, y, dx[y % 2], dy[y % 2], norms[y % 3])
    count = 0
    for y in range(top, bottom):
        following = norms[(y + 1) % 3]
        if y + 1 < height:
            _gradient(planes, y + 1, dx[(y + 1) % 2], dy[(y + 1) % 2], following)
        else:
            following[:] = 0
        previous, here = norms[(y + 2) % 3], norms[y % 3]
        for x in range(width):
            edges[y + 1, x + 1] = 0
            if here[x + 1] <= low:
                continue
            gx, gy = np.int64(dx[y % 2, x]), np.int64(dy[y % 2, x])
            if not _is_peak(previous, here, following, x + 1, gx, gy):
                continue
            edges[y + 1, x + 1] = CANDIDATE
            if here[x + 1] > high:
                edges[y + 1, x + 1] = EDGE
                if count < len(seeds):
                    seeds[count] = (y + 1) * (width + 2) + x + 1
                count += 1
    return count


@kernel("void(uint8[:, ::1], int64[::1])")
def follow(edges: np.ndarray, seeds: np.ndarray) -> None:
    """EDGE for all CANDIDATEs that touch one, also round corners; then 1 for EDGE, else 0."""
    width = edges.shape[1]
    flat = edges.ravel()
    stack, waiting = seeds.copy(), len(seeds)
    while waiting > 0:
        waiting -= 1
        here = stack[waiting]
        if waiting + 8 > len(stack):
            stack = np.append(stack, np.empty(len(stack) + 8, np.int64))
        for row in (here - width, here, here + width):
            for neighbour in range(row - 1, row + 2):
                if flat[neighbour] == CANDIDATE:
                    flat[neighbour] = EDGE
                    stack[waiting] = neighbour
                    waiting += 1
    for y in range(edges.shape[0]):
        row_of_edges = edges[y]
        for x in range(width):
            row_of_edges[x] = row_of_edges[x] >> np.uint8(1)
