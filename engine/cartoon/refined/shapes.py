"""What a drawing is made of: fields whose zero lines are borders, strokes and the silhouette."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Shapes:
    """A drawing at its working size (h, w); between pixel centres all fields are bilinear."""

    labels: NDArray[np.uint8]
    """(h, w): each working pixel's index into the palette; 0 where nothing of the person is."""
    ink: NDArray[np.float32]
    """(h, w): strokes are where it is above 0."""
    edge: NDArray[np.float32]
    """(h, w): signed distance from the silhouette in working pixels, above 0 inside."""
    outline: float
    """Half the width of the silhouette's line in working pixels; 0 for none.

    The person is covered where `edge > -outline`; the line is where `|edge| < outline`.
    """
    ink_colour: tuple[int, int, int]
    """RGB, 0..255, of strokes and outline."""
    box: tuple[int, int, int, int]
    """Left, top, right, bottom of the part of the photo that the fields cover, photo pixels."""
    size: tuple[int, int]
    """Height and width of the photo."""
