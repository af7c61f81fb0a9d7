"""The domain transform's inner loops; same results as engine/reference/smooth.py."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import helper, kernel

PLANES = 5
"""Weighted lightness and its weight; weighted a and b, and their weight."""
BLOCK = 16
"""Rows or columns that are filtered together, because they stay in the second-level cache."""
TILE = 16
"""Pixels that are transposed together, one cache line of float32."""


@kernel("void(uint8[:, :, ::1], float32[:, ::1])")
def unmix_white(colours: np.ndarray, alpha: np.ndarray) -> None:
    """Takes white out of mixed `colours`, uint8 (h, w, 3), in place, where `alpha` is 0.15..0.995.

    Below, nothing of the colour is left; above, nothing of the white. `alpha` is cut off at 0 and 1
    because a resized one may overshoot.
    """
    zero, one, white = np.float32(0), np.float32(1), np.float32(255)
    for y in range(alpha.shape[0]):
        for x in range(alpha.shape[1]):
            part = min(max(alpha[y, x], zero), one)
            alpha[y, x] = part
            if np.float32(0.15) < part < np.float32(0.995):
                for c in range(3):
                    mixed = np.float32(colours[y, x, c])
                    own = (mixed - white * (one - part)) / part
                    colours[y, x, c] = np.uint8(
                        np.int32(min(max(own, zero), white) + np.float32(0.5))
                    )


@kernel("void(uint8[:, :, ::1], float32[:, ::1], int64, int64, float32[:, :, ::1])")
def weigh(lab: np.ndarray, alpha: np.ndarray, top: int, bottom: int, planes: np.ndarray) -> None:
    """The rows `top` to `bottom` of `planes`, float32 (h, 5, w): CIE Lab times the weight, weights.

    `lab` is OpenCV's 8-bit Lab, (h, w, 3). The weight is alpha squared, and a little more, so that
    colours also go on where there is no alpha.
    """
    per_level, grey, least = np.float32(100 / 255), np.float32(128), np.float32(1e-4)
    for y in range(top, bottom):
        for x in range(lab.shape[1]):
            weight = least + alpha[y, x] * alpha[y, x]
            planes[y, 0, x] = weight * (np.float32(lab[y, x, 0]) * per_level)
            planes[y, 1, x] = weight
            planes[y, 2, x] = weight * (np.float32(lab[y, x, 1]) - grey)
            planes[y, 3, x] = weight * (np.float32(lab[y, x, 2]) - grey)
            planes[y, 4, x] = weight


@kernel("void(float32[:, :, ::1], int64, int64, float32[:, :, ::1])")
def divide(planes: np.ndarray, top: int, bottom: int, lab: np.ndarray) -> None:
    """The rows `top` to `bottom` of `lab`, float32 (h, w, 3): the weighted means in `planes`."""
    one = np.float32(1)
    for y in range(top, bottom):
        for x in range(lab.shape[1]):
            lab[y, x, 0] = planes[y, 0, x] / planes[y, 1, x]
            per_weight = one / planes[y, 4, x]
            lab[y, x, 1] = planes[y, 2, x] * per_weight
            lab[y, x, 2] = planes[y, 3, x] * per_weight


@helper
def _sweep(block: np.ndarray, steps: np.ndarray, feedback: np.ndarray, decay: np.ndarray) -> None:
    """The recursion forth and back along the first axis of `block`, (n, 5, BLOCK), in place."""
    n = len(block)
    for i in range(1, n):
        for k in range(BLOCK):
            decay[i, 0, k] = feedback[0, steps[i, k]]
            decay[i, 1, k] = feedback[1, steps[i, k]]
        for c in range(PLANES):
            kind = 0 if c < 2 else 1
            for k in range(BLOCK):
                here = block[i, c, k]
                block[i, c, k] = here + decay[i, kind, k] * (block[i - 1, c, k] - here)
    for i in range(n - 2, -1, -1):
        for c in range(PLANES):
            kind = 0 if c < 2 else 1
            for k in range(BLOCK):
                here = block[i, c, k]
                block[i, c, k] = here + decay[i + 1, kind, k] * (block[i + 1, c, k] - here)


@kernel("void(float32[:, :, ::1], uint8[:, ::1], float32[:, ::1], int64, int64)")
def filter_rows(
    planes: np.ndarray, steps: np.ndarray, feedback: np.ndarray, top: int, bottom: int
) -> None:
    """Filters the rows `top` to `bottom` of `planes`, float32 (h, 5, w), in place.

    `steps`, uint8 (w, h), is the guide's change from the pixel before; `feedback`, float32
    (2, 256), is what a pixel takes over of its neighbour at each step: of lightness, of colour.
    """
    width = planes.shape[2]
    block = np.zeros((width, PLANES, BLOCK), np.float32)
    part = np.zeros((width, BLOCK), np.uint8)
    decay = np.empty((width, 2, BLOCK), np.float32)
    for first in range(top, bottom, BLOCK):
        rows = min(BLOCK, bottom - first)
        start = np.uint64(first)  # unsigned indices are not checked for counting from the end
        for c in range(PLANES):
            for tile in range(0, width, TILE):
                end = min(tile + TILE, width)
                for k in range(rows):
                    for x in range(np.uint64(tile), np.uint64(end)):
                        block[x, c, k] = planes[start + np.uint64(k), c, x]
        for x in range(width):
            for k in range(np.uint64(rows)):
                part[x, k] = steps[x, start + k]
        _sweep(block, part, feedback, decay)
        for c in range(PLANES):
            for tile in range(0, width, TILE):
                end = min(tile + TILE, width)
                for k in range(rows):
                    for x in range(np.uint64(tile), np.uint64(end)):
                        planes[start + np.uint64(k), c, x] = block[x, c, k]


@kernel("void(float32[:, :, ::1], uint8[:, ::1], float32[:, ::1], int64, int64)")
def filter_columns(
    planes: np.ndarray, steps: np.ndarray, feedback: np.ndarray, left: int, right: int
) -> None:
    """Filters the columns `left` to `right` of `planes`, in place; `steps` is uint8 (h, w)."""
    height = len(planes)
    block = np.zeros((height, PLANES, BLOCK), np.float32)
    part = np.zeros((height, BLOCK), np.uint8)
    decay = np.empty((height, 2, BLOCK), np.float32)
    for first in range(left, right, BLOCK):
        columns = min(BLOCK, right - first)
        start = np.uint64(first)
        for y in range(height):
            for c in range(PLANES):
                for k in range(np.uint64(columns)):
                    block[y, c, k] = planes[y, c, start + k]
            for k in range(np.uint64(columns)):
                part[y, k] = steps[y, start + k]
        _sweep(block, part, feedback, decay)
        for y in range(height):
            for c in range(PLANES):
                for k in range(np.uint64(columns)):
                    planes[y, c, start + k] = block[y, c, k]
