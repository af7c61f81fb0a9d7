"""A refined drawing as SVG: its regions, strokes and outline as shapes."""

from __future__ import annotations

import html
import zlib

import numpy as np
from numpy.typing import NDArray

from engine.cartoon.curves import GRID, NOTHING, trace_level, trace_regions
from engine.cartoon.refined.shapes import Shapes
from engine.text import printable

HIDDEN = 3.0
"""Working pixels outside of the silhouette; what lies further out is not written, being cut off."""
SEAM = 1.0
"""Working pixels, the width of the line under the border of two regions."""


def to_svg(
    shapes: Shapes | None,
    colours: NDArray[np.uint8],
    size: tuple[int, int],
    background: tuple[int, int, int] | None = None,
    title: str = "Cartoon",
) -> str:
    """An SVG document of the photo's size, the same for the same drawing.

    It has one path per colour, one with all strokes, and the person's silhouette; neither scripts
    nor references to anything outside. Renderers that anti-alias one shape after the other let
    through what is behind at the border of two; so a copy of all regions lies below them, drawn
    with a line of their own colour.

    Parameters
    ----------
    shapes : Shapes or None
        None where nothing is drawn.
    colours : uint8, shape (N, 3)
        The palette's RGB, which the labels index; at most 255.
    size : (int, int)
        Height and width of the photo.
    background : (int, int, int) or None
        RGB, 0..255, of a rectangle behind all; None leaves the background transparent.
    title : str
        Any text, for instance the photo's name.
    """
    height, width = size
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}">',
        f"<title>{html.escape(printable(title))}</title>",
    ]
    if background is not None:
        parts.append(f'<rect width="100%" height="100%" {_fill(background)}/>')
    if shapes is not None:
        parts += _draw(shapes, colours)
    return "\n".join([*parts, "</svg>", ""])


def _draw(shapes: Shapes, colours: NDArray[np.uint8]) -> list[str]:
    """The person in ink, over it the inside of the outline in colour, over that the strokes."""
    hidden = shapes.edge < -shapes.outline - HIDDEN
    regions = trace_regions(np.where(hidden, np.uint8(NOTHING), shapes.labels))
    strokes = trace_level(np.where(hidden, np.float32(-1), shapes.ink))
    inside = trace_level(shapes.edge - np.float32(shapes.outline))
    person = trace_level(shapes.edge + np.float32(shapes.outline)) if shapes.outline else ""
    flats = [_region(colours[label], path) for label, path in regions.items()]
    ink = _fill(shapes.ink_colour)
    # Several drawings may stand in one page, where a name belongs to all.
    name = f"{zlib.crc32(''.join([inside, *flats]).encode()):08x}"
    return [
        f'<g transform="{_placed(shapes)}">',
        f'<clipPath id="inside-{name}"><path d="{inside}"/></clipPath>',
        *([f'<path {ink} d="{person}"/>'] if person else []),
        f'<g clip-path="url(#inside-{name})">',
        f'<use href="#regions-{name}" stroke-width="{SEAM * GRID:g}" stroke-linejoin="round"/>',
        f'<g stroke-width="0"><g id="regions-{name}">',
        *flats,
        "</g></g>",
        *([f'<path {ink} d="{strokes}"/>'] if strokes else []),
        "</g></g>",
    ]


def _placed(shapes: Shapes) -> str:
    """From steps of a working pixel to the photo's pixels."""
    height, width = shapes.labels.shape
    left, top, right, bottom = shapes.box
    x, y = (right - left) / (width * GRID), (bottom - top) / (height * GRID)
    return f"translate({left} {top}) scale({x:.7g} {y:.7g})"


def _region(colour: NDArray[np.uint8], path: str) -> str:
    return f'<path {_fill(colour)} stroke="{_hex(colour)}" d="{path}"/>'


def _fill(colour: tuple[int, int, int] | NDArray[np.uint8]) -> str:
    return f'fill="{_hex(colour)}"'


def _hex(colour: tuple[int, int, int] | NDArray[np.uint8]) -> str:
    red, green, blue = (int(value) for value in colour)
    return f"#{red:02x}{green:02x}{blue:02x}"
