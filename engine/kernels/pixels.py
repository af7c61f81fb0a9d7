"""Passes over the pixels: what is not white, histograms of the channels, quantisation, blending."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import kernel


@kernel("void(uint8[:, :, ::1], int64[::1])")
def find_content(image: np.ndarray, box: np.ndarray) -> None:
    """The rows and columns of `image`, uint8 (H, W, 3), that are not all white.

    `box`, int64 (4,), becomes top, bottom, left, right, the second and the last exclusive; top is
    not below bottom if all is white.
    """
    height, width = image.shape[:2]
    top, bottom, left, right = height, 0, width, 0
    for y in range(height):
        # From the left to the first that is not white, from the right to what is known already.
        x = 0
        while x < width and image[y, x, 0] & image[y, x, 1] & image[y, x, 2] == 255:
            x += 1
        if x == width:
            continue
        top, bottom, left = min(top, y), y + 1, min(left, x)
        last = width - 1
        while last >= right and image[y, last, 0] & image[y, last, 1] & image[y, last, 2] == 255:
            last -= 1
        right = max(right, last + 1)
    box[0], box[1], box[2], box[3] = top, bottom, left, right


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
