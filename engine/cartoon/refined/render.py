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
    regions: Regions, shapes: Shapes, palette: Palette, canvas: Picture, threads: int
) -> None:
    """Draws over `canvas`, uint8 (H, W, 3), or on (H, W, 4) that is transparent all over.

    A photo smaller than its working picture is drawn at the latter's size, and reduced.
    """
    left, top, right, bottom = shapes.box
    part = canvas[top:bottom, left:right]
    height, width = shapes.labels.shape
    if width <= right - left:
        _draw(regions, shapes, palette, part, threads)
        return
    large = np.zeros((height, width, 4), np.uint8)
    _draw(regions, shapes, palette, large, threads)
    _lay_reduced(large, part)


def _draw(
    regions: Regions, shapes: Shapes, palette: Palette, out: Picture, threads: int
) -> None:
    """Draws on all of `out`, which shows the same part of the photo as the shapes."""
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
    row_cells, row_shares, sy = _find_taps(height, out.shape[0])
    columns, column_shares, sx = _find_taps(width, out.shape[1])
    starts = np.searchsorted(columns, np.arange(width)).astype(np.int64)
    ink_colour = np.array(shapes.ink_colour, np.uint8)
    in_strips(
        lambda top, bottom: kernels.render(
            regions.fields, *fields, kinds, colours, ink_colour, outline,
            row_cells, row_shares, starts, column_shares, sx, sy, top, bottom, out,
        ),
        out.shape[0], out.shape[1], threads,
    )  # fmt: skip


def _find_taps(
    count: int, size: int
) -> tuple[NDArray[np.int64], NDArray[np.float32], np.float32]:
    """The cell of each of `size` pixels between `count` samples, how far in it, and the scale.

    Pixels are areas; those beyond the first and the last sample take the latter.
    """
    place = np.clip((np.arange(size) + 0.5) * (count / size) - 0.5, 0, count - 1)
    cells = np.minimum(place.astype(np.int64), count - 2)
    return cells, (place - cells).astype(np.float32), np.float32(count / size)


def _lay_reduced(large: Picture, part: Picture) -> None:
    """Lays a transparent drawing, (h, w, 4), on a smaller picture, (H, W, 3 or 4)."""
    height, width = part.shape[:2]
    cover = large[..., 3:].astype(np.float32) / np.float32(255)
    weighted = np.dstack([large[..., :3] * cover, cover])
    reduced = cv2.resize(weighted, (width, height), interpolation=cv2.INTER_AREA)
    cover = reduced[..., 3:]
    if part.shape[2] == 4:
        colours = reduced[..., :3] / np.maximum(cover, np.float32(1e-6))
        part[:] = np.rint(np.dstack([colours, cover * np.float32(255)])).astype(np.uint8)
    else:
        part[:] = np.rint(reduced[..., :3] + (1 - cover) * part).astype(np.uint8)
