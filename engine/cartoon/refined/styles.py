"""The constants of each refined style.

u is the drawing's unit of length: a 680th of its reference length, which lies half way between the
size of the picture and that of the person. Thus lines and shapes keep their proportion to the
picture, whatever the photo's size. Colour differences are in `METRIC`'s scale of CIE Lab.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

UNITS = 680.0
"""Units in the reference length."""
METRIC = np.array([1.0, 1.5, 1.5])
"""Weights of L*, a* and b* in a colour difference: hue and chroma tell things apart, lightness also
changes within one."""


@dataclass(frozen=True)
class Style:
    """How a refined style draws; the defaults are those of comic."""

    smooth_reach: float = 6.0
    """Standard deviation of the smoothing, in u: wrinkles and cloth's texture go, eyes stay."""
    round_sigma: float = 1.2
    """Standard deviation, in u, that rounds the borders of regions."""
    softness: float = 0.7
    """Share of the way from one colour to the next over which shading passes softly; 0 for hard
    steps. Steep changes stay sharp."""
    has_colour: bool = True
    """Whether it is painted in colours, or in tones from ink to paper."""
    most_colours: int = 24
    """More colours are never used, and most photos need fewer."""
    least_distance: float = 7.5
    """Nearer colours become one: a step of 7.5 in lightness is hard to see beside a line."""
    least_share: float = 0.004
    """Rarer colours join their nearest; an eye is about so much of a portrait."""
    line_sigma: float = 0.75
    """Width of the strokes' finer Gaussian, in u; 0 for no strokes."""
    outline: float = 1.8
    """Width of the silhouette's line, in u; 0 for none."""


STYLES = {
    "comic": Style(),
    "poster": Style(
        round_sigma=1.6, softness=0.25, least_distance=6.5, line_sigma=0.0, outline=0.0
    ),
    "ink": Style(
        round_sigma=2.2, softness=0.0, has_colour=False, most_colours=3, least_distance=1.0,
        least_share=0.0, outline=2.4,
    ),
}  # fmt: skip
