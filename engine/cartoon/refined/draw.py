"""The refined cartoon, one line per stage; docs/styles.md tells the ideas."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.cartoon.colours import Palette
from engine.cartoon.drawing import Drawing
from engine.cartoon.refined.ink import REMOVED, drop_specks, find_ink
from engine.cartoon.refined.memory import Memory
from engine.cartoon.refined.palette import find_colours, paint
from engine.cartoon.refined.regions import Regions, find_regions
from engine.cartoon.refined.render import render
from engine.cartoon.refined.shapes import Shapes
from engine.cartoon.refined.silhouette import find_silhouette
from engine.cartoon.refined.smooth import smooth
from engine.cartoon.refined.styles import STYLES, Style
from engine.cartoon.refined.working import Working, find_view, make_working
from engine.options import CartoonOptions
from engine.strips import start

INK_COLOUR = (22, 18, 22)
NOTHING = Palette.of_colours(np.zeros((0, 3), np.uint8))
LEAST_OUTLINE = 0.9
"""Photo pixels: a thinner line would be grey, as that of a small person is."""

Field = NDArray[np.float32]


def draw(
    cutout: NDArray[np.uint8],
    alpha: NDArray[np.float32] | None,
    options: CartoonOptions,
    *,
    palette: Palette | None = None,
    behind: NDArray[np.uint8] | None = None,
    transparent: bool = False,
    memory: Memory | None = None,
    threads: int = 1,
) -> Drawing:
    """The cartoon of a cut-out, the same for any number of threads.

    Parameters
    ----------
    cutout : uint8 (H, W, 3) RGB
        The person on white, or the whole photo.
    alpha : float32 (H, W), 0..1
        Share of the person. None: the whole picture is drawn.
    options
        Its style is one of STYLES.
    palette
        The colours to draw in. None: they are found.
    behind : uint8 (H, W, 3), or (1, 1, 3)
        What the drawing is laid on. None: white, or nothing if `transparent`, which makes the
        cartoon (H, W, 4).
    memory
        Of the frames before, in a video.
    """
    style = STYLES[options.style or "comic"]
    height, width = cutout.shape[:2]
    canvas = _make_canvas(cutout.shape, behind)
    coverage = np.zeros((height if transparent else 0, width), np.uint8)
    view = find_view((height, width), alpha)
    if view is None:
        return Drawing(_add(coverage, canvas), NOTHING, {}, {})
    if memory:
        view = memory.hold(view)
    working = make_working(cutout, alpha, view)
    reach = style.smooth_reach * working.unit * 2 ** (1 - options.detail)
    smoothed = smooth(working, reach, threads)
    if not style.has_colour:
        smoothed[..., 1:] = 0
    if memory:
        smoothed, working = memory.steady(smoothed, working, view, threads)

    def find_steady_lines() -> tuple[Field, Field]:
        ink, edge = _find_lines(smoothed, working, style, options)
        if memory:
            ink, edge = memory.steady_lines(ink, edge, view)
            drop_specks(ink, view.unit, options.detail)
        return ink, edge

    find_lines = start(find_steady_lines, threads)
    found, others = None, max(1, threads - 1)  # because one of them is busy with lines
    if palette is None or not len(palette):
        found = find_colours(smoothed, working.alpha, style, options, others)
        palette = paint(found, style, options.vivid)
    regions = find_regions(smoothed, working, palette, style, others)
    ink, edge = find_lines()
    shapes = Shapes(
        regions.labels, ink, edge, _half_outline(working, style.outline * options.lines),
        INK_COLOUR, working.box, (height, width),
    )  # fmt: skip
    render(regions, shapes, palette, canvas, coverage, threads)
    palette = replace(palette, share=_find_shares(regions, working, len(palette)))
    return Drawing(
        _add(coverage, canvas),
        palette,
        found.centroids if found else {},
        found.histograms if found else {},
        shapes,
    )


def _make_canvas(shape: tuple[int, ...], behind: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    if behind is None:
        return np.full(shape, 255, np.uint8)
    return np.array(np.broadcast_to(behind, shape), order="C")  # its reshaped view is drawn on


def _add(coverage: NDArray[np.uint8], canvas: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The canvas with its coverage as the fourth channel, if it has one."""
    return np.dstack([canvas, coverage]) if len(coverage) else canvas


def _find_lines(
    smoothed: Field, working: Working, style: Style, options: CartoonOptions
) -> tuple[Field, Field]:
    """Strokes and silhouette, which need no colours."""
    edge = find_silhouette(working)
    sigma = style.line_sigma * np.sqrt(options.lines)  # a stroke's area grows with its weight
    if not sigma:
        return np.full(edge.shape, REMOVED, np.float32), edge
    return find_ink(smoothed, working, sigma, options.detail), edge


def _half_outline(working: Working, width: float) -> float:
    """Half the width of the silhouette's line, in working pixels, given in u."""
    least = LEAST_OUTLINE * working.pen * working.scale if width >= LEAST_OUTLINE else 0.0
    return 0.0 if working.is_whole else max(width * working.unit, least) / 2


def _find_shares(regions: Regions, working: Working, count: int) -> NDArray[np.float32]:
    inside = working.alpha[::2, ::2] >= 0.5  # a quarter of the pixels tells as much
    counts = np.bincount(regions.labels[::2, ::2][inside], minlength=count)
    return np.asarray(counts / max(1, counts.sum()), np.float32)
