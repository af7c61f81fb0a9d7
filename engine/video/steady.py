"""What is steadied from frame to frame: where the person is, and what the drawing is made of.

Both are recursive means along the motion. The share of what was before falls where the flow fails
and where the two differ too much to be the same thing, so that nothing drags behind.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.cartoon.refined.styles import UNITS
from engine.cartoon.refined.working import View, Working, find_scale
from engine.kernels import carry as kernels
from engine.strips import in_strips
from engine.video.flow import Motion, warp

KEPT_PROBABILITY = 0.88
"""Share of the frame before in a probability, at most: what is no longer there is gone after six
frames even where the flow does not notice. However much the network changes its mind on what looks
the same as before: it flickers. What is new does not look the same, and appears at once."""
KEPT = np.float32(0.92)
"""Share of the frame before in what is drawn, at most."""
DIFFERENCE = np.array([9.0, 6.0, 6.0, 20.0, 0.5], np.float32)
"""Of smoothed L*, a* and b*, of the photo's own lightness in levels, and of alpha: from these on,
two pixels show different things."""
PER_UNIT = (1 / DIFFERENCE).astype(np.float32)
CALM = np.float32(0.25)
"""Share of a squared difference that counts where nothing moves. It is mostly what the smoothing
makes of noise at edges, because what really changes is not trusted."""
KEPT_LINES = np.float32(0.85)
"""Share of the frame before in lines and silhouette, at most: a line that is no longer found is
gone after a few frames."""
OTHER_EDGE = 4.0
"""In u: difference of the distances from the silhouette from which on it has really moved."""
NO_EDGE = -5.0
"""In u: farther outside of the silhouette there is nothing to steady."""
GRID = 16
"""Photo pixels to which boxes are widened, so that few different ones occur."""
SLACK = 1 / 32
"""Of the box's sides that are added to each side of it, so that it stays while somebody moves."""
LARGEST = UNITS
"""Pixels of the reference length: a pixel per unit is enough for what moves, and a fifth quicker
than what photos are drawn at."""
RESIZED = 1.4
"""How many times larger or smaller the reference length has to become before it is renewed, which
gives all lines another width."""
WASTE = 2.5
"""A box is left when it is so many times larger than it has to be."""

Field = NDArray[np.float32]
Cells = NDArray[np.int64]
Place = tuple[Field, Cells, Field, Cells, Field, Field, Field]
"""How a picture lies on the frame before's: what kernels take from `motion` to `ys`."""


class SteadyProbability:
    """The network's probability, steadied."""

    def __init__(self) -> None:
        self._last: Field | None = None

    def forget(self) -> None:
        """Starts again, because a shot begins."""
        self._last = None

    def carry(self, motion: Motion) -> Field:
        """The last probability, (h, w), moved on to a frame that the network does not see."""
        assert self._last is not None
        self._last = _move(self._last, motion.scaled(*self._last.shape))
        return self._last

    def __call__(self, probability: Field, motion: Motion | None) -> Field:
        """The probability, float32 (h, w), of the next frame, steadied."""
        if self._last is not None and motion is not None:
            motion = motion.scaled(*probability.shape)
            was = _move(self._last, motion)
            share = np.float32(KEPT_PROBABILITY) * motion.trust
            probability = np.asarray(probability + share * (was - probability), np.float32)
        self._last = probability
        return probability


def _move(probability: Field, motion: Motion) -> Field:
    return np.asarray(warp(probability, motion.way), np.float32)


class SteadyDrawing:
    """The memory of a shot's drawings: `begin` each frame before it is drawn."""

    def __init__(self) -> None:
        self._reference = 0.0
        self._view: View | None = None
        self._last: tuple[View, Field, Field] | None = None
        self._lines: tuple[float, Field, Field] | None = None
        self._place: Place | None = None
        self._motion: Motion | None = None
        self.smoothed: Field | None = None
        """What was drawn last, float32 (h, w, 3); None where nobody was."""
        self.working: Working | None = None

    def begin(self, motion: Motion | None) -> None:
        """The next frame, and how it moved."""
        if self.smoothed is None:  # nobody was drawn in the frame before
            self._last = self._lines = None
        self._motion, self.smoothed = motion, None

    def hold(self, view: View) -> View:
        """The view with the shot's scale and unit, and a box that seldom changes."""
        if (
            not self._reference
            or max(ratio := view.reference / self._reference, 1 / ratio) > RESIZED
        ):
            self._reference = view.reference
        held = self._view
        scale = min(find_scale(self._reference), LARGEST / self._reference)
        needed = replace(view, reference=self._reference, scale=scale)
        if held is None or held.size != view.size or not _fits(needed.box, held.box):
            held = self._view = replace(needed, box=_widen(needed.box, view.size))
        return held

    def steady(
        self, smoothed: Field, working: Working, view: View, threads: int
    ) -> tuple[Field, Working]:
        """See `Memory`."""
        lab, alpha = working.lab, working.alpha
        height, width = alpha.shape
        self._place = None
        if self._last is not None and self._motion is not None:
            old_view, old, old_kept = self._last
            self._place = place = _lay(view, alpha.shape, old_view, old.shape[:2], self._motion)
            kept = np.empty((height, width, 2), np.float32)
            light = np.float32(self._motion.light)
            in_strips(
                lambda top, bottom: kernels.carry_picture(
                    smoothed, lab, alpha, kept, old, old_kept, *place, light, PER_UNIT,
                    KEPT, CALM, top, bottom,
                ),
                height, 4 * width, threads,
            )  # fmt: skip
        else:
            kept = np.dstack([lab[..., 0].astype(np.float32), alpha])
        self._last, self.smoothed, self.working = (view, smoothed, kept), smoothed, working
        return smoothed, working

    def steady_lines(self, ink: Field, edge: Field, view: View) -> tuple[Field, Field]:
        """See `Memory`."""
        if self._lines and self._place and self._lines[0] == view.scale:
            per_unit, least = 1 / (OTHER_EDGE * view.unit), NO_EDGE * view.unit
            kernels.carry_lines(
                ink, edge, *self._lines[1:], *self._place, np.float32(per_unit), KEPT_LINES,
                np.float32(least), CALM, 0, len(ink),
            )  # fmt: skip
        # A copy, because specks are dropped from what is drawn.
        self._lines = view.scale, ink.copy(), edge
        return ink, edge


Box = tuple[int, int, int, int]


def _fits(needed: Box, held: Box) -> bool:
    left, top, right, bottom = needed
    inside = left >= held[0] and top >= held[1] and right <= held[2] and bottom <= held[3]
    return inside and _area(held) <= WASTE * _area(needed)


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _widen(box: Box, size: tuple[int, int]) -> Box:
    left, top, right, bottom = box
    dx, dy = math.ceil(SLACK * (right - left)), math.ceil(SLACK * (bottom - top))
    height, width = size
    return (
        max(0, (left - dx) // GRID * GRID),
        max(0, (top - dy) // GRID * GRID),
        min(width, -(-(right + dx) // GRID) * GRID),
        min(height, -(-(bottom + dy) // GRID) * GRID),
    )


def _lay(
    view: View, size: tuple[int, ...], old_view: View, old_size: tuple[int, ...], motion: Motion
) -> Place:
    """For pictures of (h, w), in views that need not be the same."""
    columns, xs, per_column = _lay_axis(0, view, size, old_view, old_size, motion)
    rows, ys, per_row = _lay_axis(1, view, size, old_view, old_size, motion)
    moves = np.empty((*motion.trust.shape, 3), np.float32)
    moves[..., 0], moves[..., 1] = motion.way[..., 0] * per_column, motion.way[..., 1] * per_row
    moves[..., 2] = motion.trust
    return moves, *rows, *columns, xs, ys


def _lay_axis(
    axis: int,
    view: View,
    size: tuple[int, ...],
    old_view: View,
    old_size: tuple[int, ...],
    motion: Motion,
) -> tuple[tuple[Cells, Field], Field, np.float32]:
    """Along x (0) or y: the motion's cells and shares, places in the old field, its pixels per one
    of the motion's."""
    count, old_count, cells = size[1 - axis], old_size[1 - axis], motion.trust.shape[1 - axis]
    first, last, side = view.box[axis], view.box[axis + 2], view.size[1 - axis]
    old_first, old_last = old_view.box[axis], old_view.box[axis + 2]
    photo = first + (np.arange(count) + 0.5) * ((last - first) / count)
    place = np.clip(photo * (cells / side) - 0.5, 0, cells - 1)
    before = place.astype(np.int64)
    old_scale = old_count / (old_last - old_first)
    old_place = (photo - old_first) * old_scale - 0.5
    shares = (before, (place - before).astype(np.float32))
    return shares, old_place.astype(np.float32), np.float32(old_scale * side / cells)
