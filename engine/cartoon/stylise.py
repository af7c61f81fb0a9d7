"""The K-histogram method, one line a step; docs/method.md has the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.cartoon.palette import k_histogram
from engine.errors import PhotoError
from engine.kernels import pixels
from engine.kernels.palette import quantise_table
from engine.options import CartoonOptions

HUE_LEVELS = 180
BLACK = (0, 0, 0)
WHITE_HSV = (0, 0, 255)
HALO = 8
"""Pixels around what is not white; smoothing and edges together reach four."""
GROUP = 128
"""Pixels; a multiple of any vector of OpenCV's."""


@dataclass(frozen=True)
class Drawing:
    """A cartoon, and what it was drawn with."""

    cartoon: NDArray[np.uint8]
    """(H, W, 3), channels in the order of the picture that was drawn."""
    tables: NDArray[np.uint8]
    """(3, 256): for hue, saturation, value, the centroid of each level."""
    centroids: tuple[NDArray[np.float64], ...]
    """Of hue, saturation, value; each (K,), ascending."""
    contours: Sequence[Any]
    """Closed lines, each int32 (N, 1, 2), x then y."""

    @property
    def palette(self) -> dict[str, NDArray[np.uint8]]:
        """The centroids as used: "hue", "saturation" and "value", each uint8 (K,)."""
        names = ("hue", "saturation", "value")
        return {
            name: centroids.astype(np.uint8)
            for name, centroids in zip(names, self.centroids, strict=True)
        }


def cartoonize(
    image: NDArray[np.uint8], options: CartoonOptions | None = None
) -> NDArray[np.uint8]:
    """The cartoon, uint8 (H, W, 3), of `image`, uint8 (H, W, 3).

    The channels are taken for R, G, B as they stand; classic hands them over as B, G, R.

    Raises PhotoError for any other dtype or shape, or a picture without pixels.
    """
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise PhotoError(
            f"image: {image.dtype} of shape {image.shape}, wanted uint8 (H, W, 3) with pixels."
        )
    return draw(np.require(image, requirements=("C", "W")), options or CartoonOptions()).cartoon


def draw(image: NDArray[np.uint8], options: CartoonOptions, swap: bool = False) -> Drawing:
    """The cartoon of a contiguous uint8 (H, W, 3) picture, with its palette and outline.

    With `swap`, an RGB picture is drawn as if handed over as BGR, and comes back as RGB.
    """
    rows, columns = _find_content(image)
    smooth = _smooth(image[rows, columns], options, swap)
    edges = cv2.Canny(smooth, options.edge_low, options.edge_high)
    hsv = cv2.cvtColor(smooth, cv2.COLOR_RGB2HSV, dst=smooth)
    centroids = _find_palette(hsv, image.shape[0] * image.shape[1], options)
    tables = np.stack([quantise_table(channel) for channel in centroids])
    corner = (columns.start, rows.start)
    contours, _ = cv2.findContours(edges, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE, offset=corner)
    drawing = Drawing(np.empty_like(image), tables, centroids, contours)
    _paint(hsv, drawing, (rows, columns), swap, drawing.cartoon)
    return drawing


def redraw(
    image: NDArray[np.uint8], drawing: Drawing, options: CartoonOptions, swap: bool = False
) -> NDArray[np.uint8]:
    """Another picture of the same size in a drawing's colours and under its outline."""
    everything = (slice(0, image.shape[0]), slice(0, image.shape[1]))
    smooth = _smooth(image, options, swap)
    hsv = cv2.cvtColor(smooth, cv2.COLOR_RGB2HSV, dst=smooth)
    redrawn = np.empty_like(image)
    _paint(hsv, drawing, everything, swap, redrawn)
    return redrawn


def _find_content(image: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Rows and columns outside of which all is white, and white after smoothing, without edges.

    OpenCV rounds otherwise in the last pixels of a row, which do not fill a vector: so columns are
    whole groups of pixels, or reach the picture's right border.
    """
    box = np.empty(4, np.int64)
    pixels.find_content(image, box)
    top, bottom, left, right = (int(side) for side in box)
    height, width = image.shape[:2]
    if top >= bottom:
        top, bottom, left, right = 0, 1, 0, width
    rows = slice(max(0, top - HALO), min(height, bottom + HALO))
    first = max(0, left - HALO) // GROUP * GROUP
    last = -(-(right + HALO) // GROUP) * GROUP
    return rows, slice(first, last if last <= width // GROUP * GROUP else width)


def _smooth(image: NDArray[np.uint8], options: CartoonOptions, swap: bool) -> cv2.typing.MatLike:
    # Channel by channel: a three-channel bilateral filter would weigh colour distances jointly.
    smooth = np.empty(image.shape, np.uint8)
    for channel in range(3):
        plane = cv2.extractChannel(image, 2 - channel if swap else channel)
        plane = cv2.bilateralFilter(plane, 5, options.smooth_sigma, options.smooth_sigma)
        cv2.insertChannel(plane, smooth, channel)
    return smooth


def _find_palette(
    hsv: cv2.typing.MatLike, total: int, options: CartoonOptions
) -> tuple[NDArray[np.float64], ...]:
    """Of `total` pixels, of which those that are not in `hsv` are white."""
    hists = np.zeros((3, 256), np.int64)
    pixels.count_levels(hsv, hists)
    for channel, level in enumerate(WHITE_HSV):
        hists[channel, level] += total - hsv.shape[0] * hsv.shape[1]
    return tuple(k_histogram(hist, options) for hist in (hists[0, :HUE_LEVELS], hists[1], hists[2]))


def _paint(
    hsv: cv2.typing.MatLike,
    drawing: Drawing,
    box: tuple[slice, slice],
    swap: bool,
    out: NDArray[np.uint8],
) -> None:
    """Quantised, back in RGB, outlined in black; `hsv`, what is in the box, is overwritten."""
    to_rgb = cv2.COLOR_HSV2BGR if swap else cv2.COLOR_HSV2RGB
    if hsv.shape != out.shape:
        white = np.full((1, out.shape[1], 3), WHITE_HSV, np.uint8)
        pixels.quantise(white, drawing.tables)
        out[:] = cv2.cvtColor(white, to_rgb)
    pixels.quantise(hsv, drawing.tables)
    out[box] = cv2.cvtColor(hsv, to_rgb, dst=hsv)
    cv2.drawContours(out, drawing.contours, -1, BLACK, 1)
