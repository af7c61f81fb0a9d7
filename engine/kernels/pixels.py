"""Classic's passes over the pixels: what is not white, HSV and histograms, a palette's colours."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import helper, kernel


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


@helper
def _row_to_hsv(first: np.ndarray, second: np.ndarray, third: np.ndarray) -> None:
    """In place, in 32-bit lanes; the divisions stand for OpenCV's two tables of reciprocals."""
    rounding = np.float32(1.5 * 2**23)  # added and taken away: the nearest whole number
    one = np.int32(1)
    for x in range(len(first)):
        r, g, b = np.int32(first[x]), np.int32(second[x]), np.int32(third[x])
        value = max(r, max(g, b))
        spread = np.int32(value - min(r, min(g, b)))
        per_value = np.float32(255 * 4096) / np.float32(max(value, one))
        per_spread = np.float32(30 * 4096) / np.float32(max(spread, one))
        saturation = np.int32(spread * np.int32((per_value + rounding) - rounding) + 2048)
        hue = np.int32(r - g + 4 * spread)
        if value == g:
            hue = np.int32(b - r + 2 * spread)
        if value == r:
            hue = np.int32(g - b)
        hue = np.int32(hue * np.int32((per_spread + rounding) - rounding) + 2048) >> 12
        first[x] = hue + 180 if hue < 0 else hue
        second[x] = saturation >> 12
        third[x] = value


@kernel("void(uint8[:, :, ::1], int64, int64, int64[:, ::1])")
def to_hsv(planes: np.ndarray, top: int, bottom: int, hists: np.ndarray) -> None:
    """The rows `top` to `bottom` of `planes`, uint8 (3, H, W), from RGB to OpenCV's 8-bit HSV.

    Their levels are added to `hists`, int64 (3, 256).
    """
    width = planes.shape[2]
    # Two sets of counters: equal neighbours do not wait for each other's store.
    odd = np.zeros((3, 256), np.int64)
    for y in range(top, bottom):
        first, second, third = planes[0, y], planes[1, y], planes[2, y]
        _row_to_hsv(first, second, third)
        for x in range(0, width - 1, 2):
            hists[0, first[x]] += 1
            odd[0, first[x + 1]] += 1
            hists[1, second[x]] += 1
            odd[1, second[x + 1]] += 1
            hists[2, third[x]] += 1
            odd[2, third[x + 1]] += 1
        if width % 2:
            hists[0, first[width - 1]] += 1
            hists[1, second[width - 1]] += 1
            hists[2, third[width - 1]] += 1
    hists += odd


@kernel(
    "void(uint8[:, :, ::1], uint32[:, ::1], uint32[::1], int64, int64, int64, int64, int64,"
    " uint8[:, :, ::1])"
)
def paint(
    hsv: np.ndarray,
    places: np.ndarray,
    colours: np.ndarray,
    top: int,
    bottom: int,
    columns: int,
    first_row: int,
    first_column: int,
    out: np.ndarray,
) -> None:
    """The colour of each pixel in the rows `top` to `bottom`, and the first `columns`, of `hsv`.

    `hsv` is uint8 (3, h, w) planes of the part of `out`, uint8 (H, W, 3), that begins at the first
    row and column. `places`, uint32 (3, 256), are added up over the channels to the colour's place
    in `colours`, uint32, with the first channel in the low byte.
    """
    for y in range(top, bottom):
        hue, saturation, value, row = hsv[0, y], hsv[1, y], hsv[2, y], out[first_row + y]
        for x in range(columns):
            place = places[0, hue[x]] + places[1, saturation[x]] + places[2, value[x]]
            colour = colours[place]
            pixel = row[first_column + x]
            pixel[0] = colour & np.uint32(255)
            pixel[1] = (colour >> np.uint32(8)) & np.uint32(255)
            pixel[2] = colour >> np.uint32(16)
