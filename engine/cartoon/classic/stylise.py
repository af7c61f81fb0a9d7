"""The K-histogram method, one line per step; docs/method.md has the rules."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.cartoon.classic.smooth import smooth
from engine.cartoon.drawing import check_picture
from engine.cartoon.k_histogram import k_histogram
from engine.kernels import edges, pixels
from engine.kernels.palette import quantise_table
from engine.options import CartoonOptions
from engine.strips import in_strips
from engine.threads import usable_threads

CHANNELS = ("hue", "saturation", "value")
HUE_LEVELS = 180
BLACK = (0, 0, 0)
WHITE_HSV = (0, 0, 255)
HALO = 8
"""Pixels around what is not white, because smoothing and edges together reach four."""
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
    counts: NDArray[np.int64]
    """(3, 256): how often each level of hue, saturation, value occurs before quantisation."""
    contours: Sequence[Any]
    """Closed lines, each int32 (N, 1, 2), x then y."""

    @property
    def histograms(self) -> dict[str, NDArray[np.int64]]:
        """Pixels per level before they were quantised: "hue", (180,), the others (256,)."""
        hue, saturation, value = self.counts
        return dict(zip(CHANNELS, (hue[:HUE_LEVELS], saturation, value), strict=True))


def cartoonize(
    image: NDArray[np.uint8], options: CartoonOptions | None = None
) -> NDArray[np.uint8]:
    """The cartoon, uint8 (H, W, 3), of `image`, uint8 (H, W, 3).

    The channels are taken as R, G, B in the order in which they stand; classic mode hands them over
    as B, G, R.

    Raises PhotoError for any other dtype or shape, or a picture without pixels.
    """
    image = check_picture(image)
    return draw(image, options or CartoonOptions(), threads=usable_threads()).cartoon


def draw(
    image: NDArray[np.uint8], options: CartoonOptions, swap: bool = False, threads: int = 1
) -> Drawing:
    """The cartoon of a contiguous uint8 (H, W, 3) picture, with its palette and outline.

    With `swap`, an RGB picture is drawn as if handed over as BGR, and comes back as RGB.
    """
    rows, columns = _find_content(image)
    planes = _smooth(image[rows, columns], options, swap, threads)
    corner = (columns.start, rows.start)
    contours = _find_outline(planes, options, corner, threads)
    counts = _to_hsv(planes, threads)
    counts[range(3), WHITE_HSV] += image.shape[0] * image.shape[1] - planes[0].size
    drawing = Drawing(np.empty_like(image), *_find_palette(counts, options), counts, contours)
    _paint(planes, drawing, (rows, columns), swap, drawing.cartoon, threads)
    return drawing


def redraw(
    image: NDArray[np.uint8],
    drawing: Drawing,
    options: CartoonOptions,
    swap: bool = False,
    threads: int = 1,
) -> NDArray[np.uint8]:
    """Another picture of the same size in a drawing's colours and under its outline."""
    everything = (slice(0, image.shape[0]), slice(0, image.shape[1]))
    planes = _smooth(image, options, swap, threads)
    _to_hsv(planes, threads)
    redrawn = np.empty_like(image)
    _paint(planes, drawing, everything, swap, redrawn, threads)
    return redrawn


def _find_content(image: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Rows and columns outside of which all is white, and white after smoothing, without edges.

    OpenCV rounds differently in the last pixels of a row, which do not fill a vector, so columns
    are whole groups of pixels, or reach the picture's right border.
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


def _smooth(
    image: NDArray[np.uint8], options: CartoonOptions, swap: bool, threads: int
) -> NDArray[np.uint8]:
    """Planes, uint8 (3, H, W), each filtered on its own."""
    # A three-channel bilateral filter would weigh colour distances jointly.
    order = (2, 1, 0) if swap else (0, 1, 2)
    planes = [np.asarray(cv2.extractChannel(image, channel), np.uint8) for channel in order]
    return smooth(planes, options.smooth_sigma, threads)


def _find_outline(
    planes: NDArray[np.uint8], options: CartoonOptions, corner: tuple[int, int], threads: int
) -> Sequence[Any]:
    height, width = planes.shape[1:]
    low, high = math.floor(options.edge_low), math.floor(options.edge_high)
    bordered = np.zeros((height + 2, width + 2), np.uint8)
    seeds = in_strips(
        lambda top, bottom: edges.find_peaks(planes, low, high, top, bottom, bordered),
        height, width, threads,
    )  # fmt: skip
    edges.follow(bordered, np.concatenate(seeds))
    external, every_pixel = cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    return cv2.findContours(bordered[1:-1, 1:-1], external, every_pixel, offset=corner)[0]


def _to_hsv(planes: NDArray[np.uint8], threads: int) -> NDArray[np.int64]:
    """Overwrites RGB by HSV, and returns how often each level occurs, int64 (3, 256)."""

    def convert(top: int, bottom: int) -> NDArray[np.int64]:
        counts = np.zeros((3, 256), np.int64)
        pixels.to_hsv(planes, top, bottom, counts)
        return counts

    height, width = planes.shape[1:]
    return np.sum(in_strips(convert, height, width, threads), axis=0)  # type: ignore[no-any-return]


def _find_palette(
    counts: NDArray[np.int64], options: CartoonOptions
) -> tuple[NDArray[np.uint8], tuple[NDArray[np.float64], ...]]:
    """The table of each channel, uint8 (3, 256), and its centroids."""
    hists = (counts[0, :HUE_LEVELS], counts[1], counts[2])
    centroids = tuple(k_histogram(hist, options) for hist in hists)
    return np.stack([quantise_table(channel) for channel in centroids]), centroids


def _paint(
    hsv: NDArray[np.uint8],
    drawing: Drawing,
    box: tuple[slice, slice],
    swap: bool,
    out: NDArray[np.uint8],
    threads: int,
) -> None:
    """The palette's colours for `hsv`, planes of what is in the box, white's around; the outline.

    Each colour is converted once, except for those in the last pixels of a row.
    """
    to_rgb = cv2.COLOR_HSV2BGR if swap else cv2.COLOR_HSV2RGB
    inside = out[box]
    if inside.shape != out.shape:
        white = [
            np.full((1, out.shape[1]), table[level], np.uint8)
            for table, level in zip(drawing.tables, WHITE_HSV, strict=True)
        ]
        out[:] = cv2.cvtColor(cv2.merge(white), to_rgb)
    height, width = inside.shape[:2]
    whole_groups = width // GROUP * GROUP
    places, colours = _mix_palette(drawing.tables, to_rgb)
    in_strips(
        lambda top, bottom: pixels.paint(
            hsv, places, colours, top, bottom, whole_groups, box[0].start, box[1].start, out
        ),
        height, width, threads,
    )  # fmt: skip
    if whole_groups < width:
        rest = [
            table[plane]
            for table, plane in zip(drawing.tables, hsv[:, :, whole_groups:], strict=True)
        ]
        inside[:, whole_groups:] = cv2.cvtColor(cv2.merge(rest), to_rgb)
    cv2.drawContours(out, drawing.contours, -1, BLACK, 1)


def _mix_palette(
    tables: NDArray[np.uint8], to_rgb: int
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Every colour that the tables can give, uint32 (N,), and each level's share of its place."""
    levels, indices = zip(*(np.unique(table, return_inverse=True) for table in tables), strict=True)
    sizes = [len(channel) for channel in levels]
    steps = (sizes[1] * sizes[2], sizes[2], 1)
    places = np.stack([index * step for index, step in zip(indices, steps, strict=True)])
    grid = np.stack(np.meshgrid(*levels, indexing="ij"), axis=-1).reshape(1, -1, 3)
    padded = np.zeros((1, -(-grid.shape[1] // GROUP) * GROUP, 3), np.uint8)
    padded[:, : grid.shape[1]] = grid
    colours = np.asarray(cv2.cvtColor(padded, to_rgb), np.uint32)[0]
    return places.astype(np.uint32), colours[:, 0] | colours[:, 1] << 8 | colours[:, 2] << 16
