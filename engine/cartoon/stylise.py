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
    return draw(np.ascontiguousarray(image), options or CartoonOptions()).cartoon


def draw(image: NDArray[np.uint8], options: CartoonOptions, swap: bool = False) -> Drawing:
    """The cartoon of a contiguous uint8 (H, W, 3) picture, with its palette and outline.

    With `swap`, an RGB picture is drawn as if handed over as BGR, and comes back as RGB.
    """
    smooth = _smooth(image, options, swap)
    edges = cv2.Canny(smooth, options.edge_low, options.edge_high)
    hsv = cv2.cvtColor(smooth, cv2.COLOR_RGB2HSV, dst=smooth)
    centroids = _find_palette(hsv, options)
    tables = np.stack([quantise_table(channel) for channel in centroids])
    contours, _ = cv2.findContours(edges, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return Drawing(_paint(hsv, tables, contours, swap), tables, centroids, contours)


def redraw(
    image: NDArray[np.uint8], drawing: Drawing, options: CartoonOptions, swap: bool = False
) -> NDArray[np.uint8]:
    """Another picture of the same size in a drawing's colours and under its outline."""
    smooth = _smooth(image, options, swap)
    hsv = cv2.cvtColor(smooth, cv2.COLOR_RGB2HSV, dst=smooth)
    return _paint(hsv, drawing.tables, drawing.contours, swap)


def _smooth(image: NDArray[np.uint8], options: CartoonOptions, swap: bool) -> cv2.typing.MatLike:
    # Channel by channel: a three-channel bilateral filter would weigh colour distances jointly.
    smooth = np.empty_like(image)
    for channel in range(3):
        plane = cv2.extractChannel(image, 2 - channel if swap else channel)
        plane = cv2.bilateralFilter(plane, 5, options.smooth_sigma, options.smooth_sigma)
        cv2.insertChannel(plane, smooth, channel)
    return smooth


def _find_palette(
    hsv: cv2.typing.MatLike, options: CartoonOptions
) -> tuple[NDArray[np.float64], ...]:
    hists = np.zeros((3, 256), np.int64)
    pixels.count_levels(hsv, hists)
    return tuple(k_histogram(hist, options) for hist in (hists[0, :HUE_LEVELS], hists[1], hists[2]))


def _paint(
    hsv: cv2.typing.MatLike, tables: NDArray[np.uint8], contours: Sequence[Any], swap: bool
) -> NDArray[np.uint8]:
    """Quantised, back in RGB, outlined in black; `hsv` is overwritten."""
    pixels.quantise(hsv, tables)
    cartoon = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR if swap else cv2.COLOR_HSV2RGB, dst=hsv)
    cv2.drawContours(cartoon, contours, -1, BLACK, 1)
    return cartoon  # type: ignore[return-value]
