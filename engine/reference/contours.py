"""The borders of a label map as arcs, step by step, and the cubic nearest to a line."""

from __future__ import annotations

import numpy as np

Corner = tuple[int, int]
AHEAD = ((0, 1), (1, 0), (0, -1), (-1, 0))  # east, south, west, north
LEFT = ((-1, 0), (0, 0), (0, -1), (-1, -1))  # the pixel on the left of a step, from its corner
RIGHT = ((0, 0), (0, -1), (-1, -1), (-1, 0))
Arc = tuple[int, int, bool, list[Corner]]


def trace_borders(labels: np.ndarray) -> list[Arc]:
    """The arcs that part labels, uint8 (h, w), whose rim is one label.

    Each is the labels on its left and right, whether it is a loop, and its points, y then x, in
    half pixels from the first pixel's centre: the junctions at its ends and the middle of each
    pixel border. Arcs from junctions come first; both kinds begin in the order of rows.
    """
    steps = _find_steps(labels)
    junctions = [corner for corner in steps if _is_junction(steps[corner])]
    arcs = []
    for is_loop, corners in ((False, junctions), (True, sorted(steps))):
        for corner in corners:
            for direction in sorted(steps[corner]):
                if direction in steps[corner]:  # not taken yet, either way
                    sides = steps[corner][direction]
                    arcs.append((*sides, is_loop, _follow(steps, junctions, corner, direction)))
    return arcs


def _find_steps(labels: np.ndarray) -> dict[Corner, dict[int, tuple[int, int]]]:
    """For each corner that borders leave: the labels left and right of the way, by direction."""
    steps: dict[Corner, dict[int, tuple[int, int]]] = {}
    for y in range(1, labels.shape[0]):
        for x in range(1, labels.shape[1]):
            for direction in range(4):
                (ly, lx), (ry, rx) = LEFT[direction], RIGHT[direction]
                sides = int(labels[y + ly, x + lx]), int(labels[y + ry, x + rx])
                if sides[0] != sides[1]:
                    steps.setdefault((y, x), {})[direction] = sides
    return steps


def _is_junction(leaving: dict[int, tuple[int, int]]) -> bool:
    return len({label for sides in leaving.values() for label in sides}) > 2


def _follow(
    steps: dict[Corner, dict[int, tuple[int, int]]],
    junctions: list[Corner],
    corner: Corner,
    direction: int,
) -> list[Corner]:
    """The points of the border that begins so; its steps are taken out of `steps`."""
    points = [(2 * corner[0] - 1, 2 * corner[1] - 1)] if corner in junctions else []
    while True:
        left, right = steps[corner].pop(direction)
        dy, dx = AHEAD[direction]
        points.append((2 * corner[0] - 1 + dy, 2 * corner[1] - 1 + dx))
        corner = corner[0] + dy, corner[1] + dx
        del steps[corner][(direction + 2) % 4]
        if corner in junctions:
            return [*points, (2 * corner[0] - 1, 2 * corner[1] - 1)]
        onward = [d for d, sides in steps[corner].items() if sides == (left, right)]
        if not onward:
            return points
        # Of two ways, the one that keeps the pixels of the larger label together.
        turn = 3 if right > left else 1
        direction = min(onward, key=lambda d: (d - direction - turn) % 4)


def fit_cubic(
    line: np.ndarray, share: np.ndarray, leave: np.ndarray, arrive: np.ndarray
) -> np.ndarray:
    """The two inner control points, float64 (2, 2), of the cubic nearest to a line.

    The line, float64 (N, 2), is compared at `share` of its length, float64 (N,) from 0 to 1; the
    curve leaves and arrives along the two directions, float64 (2,), of length 1. Least squares.
    """
    u, v = share[:, None], 1 - share[:, None]
    near = v**3 + 3 * u * v**2
    rest = line - near * line[0] - (1 - near) * line[-1]
    columns = [(3 * u * v**2 * leave).ravel(), (-3 * u**2 * v * arrive).ravel()]
    reach, *_ = np.linalg.lstsq(np.stack(columns, 1), rest.ravel(), rcond=None)
    return np.stack([line[0] + reach[0] * leave, line[-1] - reach[1] * arrive])
