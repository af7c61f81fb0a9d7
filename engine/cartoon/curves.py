"""Fields to closed paths: the regions of a label map, and where a field is above zero."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels import contours

NOTHING = 255
"""A label that has no path."""
GRID = 5
"""Steps per working pixel on which control points lie: their rounding is a third of the tolerance,
and a finer grid makes larger files."""
TOLERANCE = 0.35
"""Working pixels between a path and its border: less than a pixel's anti-aliasing hides."""
SMOOTHING = (7 / 21, 6 / 21, 3 / 21, -2 / 21)
"""Weights of a border's point and its neighbours on either side: stairs vanish, curves stay.

Savitzky & Golay, Smoothing and differentiation of data by simplified least squares, 1964.
"""
SMALL = 8
"""Points of a loop around four pixels, of which smoothing would leave little."""
FAR = np.float32(1e6)
"""In place of infinity, between which and another no crossing can be found."""
BEYOND = 2
"""Working pixels by which paths reach over the picture's border, so that its corners are full."""


class Arc(NamedTuple):
    """A border from one junction of regions to another, or a loop; on the grid, x then y."""

    start: tuple[int, int]
    end: tuple[int, int]
    curves: str
    """In SVG's path language, relative to the start."""


def trace_regions(labels: NDArray[np.uint8]) -> dict[int, str]:
    """SVG path data of each label in uint8 (h, w) but `NOTHING`, in steps of 1 / `GRID` pixel.

    (0, 0) is the upper left corner of the first pixel. Two regions share one curve as their
    border, so they neither overlap nor leave a gap. The labels are in ascending order.
    """
    labels = np.pad(np.pad(labels, BEYOND, "edge"), 1, constant_values=NOTHING)
    points, ends, arcs = _trace(labels)
    return _to_paths(_smooth(points / 2, ends, arcs), ends, arcs)


def trace_level(field: NDArray[np.float32]) -> str:
    """SVG path data, as of `trace_regions`, of where the field, float32 (h, w), is above 0.

    The border lies where the field, linear between neighbouring pixel centres, crosses 0.
    """
    finite = np.clip(field, -FAR, FAR)
    field = np.pad(np.pad(finite, BEYOND, "edge"), 1, constant_values=-1)
    is_above = (field > 0).astype(np.uint8)
    points, ends, arcs = _trace(is_above)
    before, after = points // 2, (points + 1) // 2
    a, b = field[tuple(before.T)], field[tuple(after.T)]
    crossings = before + (after - before) * (a / (a - b))[:, None]
    return _to_paths(crossings, ends, arcs).get(1, "")


def _trace(
    labels: NDArray[np.uint8],
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """Points, ends and arcs of `contours.trace_borders`."""
    steps = np.count_nonzero(labels[1:] != labels[:-1])
    steps += np.count_nonzero(labels[:, 1:] != labels[:, :-1])
    points = np.empty((3 * steps, 2), np.int32)  # an arc of one step has two junctions
    ends, arcs = np.empty(steps, np.int64), np.empty((steps, 3), np.int64)
    count = contours.trace_borders(labels, points, ends, arcs)
    return points[: ends[count - 1] if count else 0], ends[:count], arcs[:count]


def _smooth(
    points: NDArray[np.float64], ends: NDArray[np.int64], arcs: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The points without their stairs; junctions stay, and so do loops of a few points."""
    first, last, is_loop = _firsts(ends), ends - 1, arcs[:, 2] == 1
    before, after = np.arange(len(points)) - 1, np.arange(len(points)) + 1
    before[first], after[last] = last, first
    fixed = np.concatenate([first[~is_loop], last[~is_loop]])
    before[fixed] = after[fixed] = fixed
    smooth = SMOOTHING[0] * points
    left = right = np.arange(len(points))
    for weight in SMOOTHING[1:]:
        left, right = before[left], after[right]
        smooth += weight * (points[left] + points[right])
    is_small = np.repeat(is_loop & (ends - first <= SMALL), ends - first)
    is_small[fixed] = True
    return np.where(is_small[:, None], points, smooth)


def _to_paths(
    points: NDArray[np.float64], ends: NDArray[np.int64], arcs: NDArray[np.int64]
) -> dict[int, str]:
    """Path data of each label but `NOTHING`; `points` lie in the padded picture, y then x."""
    curves = np.empty((len(points) + len(ends), 3, 2))
    curve_ends = np.empty_like(ends)
    contours.fit_curves(points, ends, arcs, TOLERANCE, curves, curve_ends)
    curves = curves[: curve_ends[-1] if len(ends) else 0]
    borders: dict[int, list[Arc]] = defaultdict(list)
    both_ways = _draw_arcs(_to_grid(points[_firsts(ends)]), _to_grid(curves), curve_ends)
    for (left, right, _), (onward, back) in zip(arcs.tolist(), both_ways, strict=True):
        borders[left].append(onward)
        borders[right].append(back)
    borders.pop(NOTHING, None)
    return {label: _write(borders[label]) for label in sorted(borders)}


def _write(arcs: Iterable[Arc]) -> str:
    """Closed rings of arcs that all have one region on their left."""
    return "".join(_close(arcs)).replace(" -", "-")  # a sign parts numbers, too


def _firsts(ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each arc begins, of where each ends."""
    return np.concatenate([np.zeros(1, np.int64), ends])[:-1]


def _to_grid(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """From centres of padded pixels, y then x, to steps from the first pixel's corner, x then y."""
    return np.rint((points[..., ::-1] - (BEYOND + 0.5)) * GRID).astype(np.int64)


def _draw_arcs(
    starts: NDArray[np.int64], curves: NDArray[np.int64], curve_ends: NDArray[np.int64]
) -> Iterator[tuple[Arc, Arc]]:
    """Each arc, with its left side's region on the left; and backwards, with its right side's."""
    firsts = _firsts(curve_ends)
    from_, to = np.roll(curves[:, 2], 1, 0), curves[:, 2]
    from_[firsts] = starts
    onward = _write_rows(curves - from_[:, None])
    back = _write_rows(np.stack([curves[:, 1], curves[:, 0], from_], 1) - to[:, None])
    corners = zip(starts.tolist(), to[curve_ends - 1].tolist(), strict=True)
    for first, end, (start, stop) in zip(firsts, curve_ends, corners, strict=True):
        a, b = tuple(start), tuple(stop)
        yield (
            Arc(a, b, "c" + " ".join(onward[first:end])),
            Arc(b, a, "c" + " ".join(back[first:end][::-1])),
        )


def _write_rows(steps: NDArray[np.int64]) -> list[str]:
    return [" ".join(map(str, row)) for row in steps.reshape(-1, 6).tolist()]


def _close(arcs: Iterable[Arc]) -> Iterator[str]:
    """The arcs, with one region on the left of all, as closed rings.

    At a corner where the region touches itself any of the arcs may follow: the area is the same.
    """
    leaving = defaultdict(list)
    for arc in arcs:
        leaving[arc.start].append(arc)
    here = (0, 0)
    for start, waiting in leaving.items():
        while waiting:
            yield f"m{start[0] - here[0]} {start[1] - here[1]}"
            arc = waiting.pop()
            yield arc.curves
            while arc.end != start:
                arc = leaving[arc.end].pop()
                yield arc.curves
            yield "z"
            here = start
