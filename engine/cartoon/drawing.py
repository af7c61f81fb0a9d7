"""What is drawn, and what comes of it, in any style."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.cartoon.colours import Palette
from engine.cartoon.refined.shapes import Shapes
from engine.errors import PhotoError

if TYPE_CHECKING:
    from engine.cartoon.refined.memory import Memory


@dataclass(frozen=True, eq=False)
class Subject:
    """A picture to be drawn, and what the drawing is laid on."""

    on_white: NDArray[np.uint8]
    """(H, W, 3) RGB, contiguous: the cut-out on white, or the whole photo."""
    alpha: NDArray[np.float32] | None = None
    """(H, W), 0..1: share of what is drawn. None: the whole picture is."""
    person: NDArray[np.uint8] | None = None
    """(H, W, 3): the cut-out's own colours, also at its rim. Needed to lay a classic drawing."""
    behind: NDArray[np.uint8] | None = None
    """(H, W, 3), or (1, 1, 3) for one colour. None: white, or nothing at all."""
    is_transparent: bool = False
    """Whether nothing lies behind."""
    memory: Memory | None = None
    """Of the frames before, in a video. Classic has none."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """A cartoon, and what it was drawn with."""

    cartoon: NDArray[np.uint8]
    """(H, W, 3) RGB on what lies behind, or (H, W, 4) RGBA where nothing does."""
    palette: Palette | None
    """The colours it was painted in; None in classic, which mixes them of levels."""
    centroids: dict[str, NDArray[np.float64]]
    """K-histogram's levels of each channel, ascending; they may be fractional. "hue" (half
    degrees), "saturation" and "value" in classic, "lightness", "chroma" and "hue" in the others.
    Empty where these were given their colours."""
    histograms: dict[str, NDArray[np.int64]]
    """Of each channel, "hue" (180,), the others (256,): pixels per level in classic, else
    millionths, those of hue weighted by chroma."""
    shapes: Shapes | None = None
    """The regions, lines and silhouette; None where nothing is drawn, and in classic."""


def check_picture(image: Any) -> NDArray[np.uint8]:
    """The picture, contiguous. Raises PhotoError unless it is uint8 (H, W, 3) with pixels."""
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise PhotoError(
            f"image: {image.dtype} of shape {image.shape}; expected uint8 (H, W, 3) with pixels."
        )
    return np.require(image, requirements=("C", "W"))
