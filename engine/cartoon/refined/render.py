"""The drawing at the photo's size: the only stage that touches every pixel of it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.cartoon.colours import Palette
from engine.cartoon.refined.regions import Regions
from engine.cartoon.refined.shapes import Shapes
from engine.kernels import raster as kernels
from engine.strips import in_strips

Picture = NDArray[np.uint8]


def render(
    regions: Regions,
    shapes: Shapes,
    palette: Palette,
    canvas: Picture,
    coverage: Picture,
    threads: int,
) -> None:
    """Draws over `canvas`, uint8 (H, W, 3).

    With `coverage`, uint8 (H, W), zero all over, colours are not mixed with what is there, and it
    becomes the share of each pixel that is covered; without one, it has no row. A photo smaller
    than its working picture is drawn at the latter's size, and reduced.
    """
    left, top, right, bottom = shapes.box
    height, width = shapes.labels.shape
    if width <= right - left:
        _draw(regions, shapes, palette, canvas, coverage, shapes.box, threads)
        return
    large, cover = np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8)
    _draw(regions, shapes, palette, large, cover, (0, 0, width, height), threads)
    _lay_reduced(large, cover, canvas[top:bottom, left:right], coverage[top:bottom, left:right])


def find_taps(
    count: int, first: int, last: int, size: int
) -> tuple[NDArray[np.int64], NDArray[np.float32], np.float32]:
    """The cell of each of `size` pixels, how far in it, and the working pixels per pixel.

    The `count` samples cover the pixels `first` to `last`; the others have cell -1. Pixels are
    areas; those beyond the first and the last sample take the latter.
    """
    scale = count / (last - first)
    place = np.clip((np.arange(size) - first + 0.5) * scale - 0.5, 0, count - 1)
    cells = np.minimum(place.astype(np.int64), count - 2)
    shares = (place - cells).astype(np.float32)
    cells[:first] = cells[last:] = -1
    return cells, shares, np.float32(scale)


def _draw(
    regions: Regions,
    shapes: Shapes,
    palette: Palette,
    out: Picture,
    coverage: Picture,
    box: tuple[int, int, int, int],
    threads: int,
) -> None:
    """Draws on the box of `out`, which shows what the shapes cover."""
    height, width = shapes.labels.shape
    outline, colours = np.float32(shapes.outline), palette.rgb.copy()
    kinds = np.empty((height - 1, width - 1), np.uint8)
    fields = (regions.labels, regions.tones, regions.soft, shapes.ink, shapes.edge)
    in_strips(
        lambda top, bottom: kernels.find_kinds(
            *fields, colours, outline, top, bottom, kinds
        ),
        height - 1, width - 1, threads,
    )  # fmt: skip
    left, top, right, bottom = box
    row_cells, row_shares, sy = find_taps(height, top, bottom, out.shape[0])
    columns, column_shares, sx = find_taps(width, left, right, out.shape[1])
    starts = left + np.searchsorted(columns[left:right], np.arange(width))
    ink_colour = np.array(shapes.ink_colour, np.uint8)
    # Interleaved, because the person fills the lower rows more than the upper ones.
    order = np.argsort(np.arange(out.shape[0]) % threads, kind="stable")
    in_strips(
        lambda first, last: kernels.render(
            regions.fields, *fields, kinds, colours, ink_colour, outline,
            row_cells, row_shares, starts, column_shares, sx, sy, order, first, last,
            out.reshape(len(out), -1), coverage,
        ),
        out.shape[0], out.shape[1], threads,
    )  # fmt: skip


def _lay_reduced(large: Picture, cover: Picture, part: Picture, coverage: Picture) -> None:
    """Lays a drawing, (h, w, 3), with its coverage on a smaller picture, (H, W, 3)."""
    height, width = part.shape[:2]
    shares = cover[..., None].astype(np.float32) / np.float32(255)
    weighted = np.dstack([large * shares, shares])
    reduced = cv2.resize(weighted, (width, height), interpolation=cv2.INTER_AREA)
    colours, covered = reduced[..., :3], reduced[..., 3:]
    if len(coverage):
        part[:] = np.rint(colours / np.maximum(covered, np.float32(1e-6)))
        coverage[:] = np.rint(covered[..., 0] * np.float32(255))
    else:
        part[:] = np.rint(colours + (1 - covered) * part)
