"""The borders of a label map as arcs, and smooth curves through them."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import helper, kernel

EAST, SOUTH, WEST, NORTH = range(4)
LOOP_DETAIL = 40.0
"""A loop's length, over the tolerance it gets at most: the smallest shapes keep theirs."""
TANGENT_REACH = 2
"""Points to each side that give a curve's direction: one pixel's stair cannot turn it."""


@helper
def _sides(labels: np.ndarray, y: int, x: int, direction: int) -> tuple[int, int]:
    """The labels left and right of the step that leaves corner (y, x), a pixel's upper left."""
    if direction == EAST:
        return labels[y - 1, x], labels[y, x]
    if direction == SOUTH:
        return labels[y, x], labels[y, x - 1]
    if direction == WEST:
        return labels[y, x - 1], labels[y - 1, x - 1]
    return labels[y - 1, x - 1], labels[y - 1, x]


@helper
def _is_junction(labels: np.ndarray, y: int, x: int) -> bool:
    """Three labels or more meet at corner (y, x)."""
    a, b, c, d = labels[y - 1, x - 1], labels[y - 1, x], labels[y, x], labels[y, x - 1]
    changes = int(a != b) + int(b != c) + int(c != d) + int(d != a)
    return changes == 3 or (changes == 4 and not (a == c and b == d))


@helper
def _turn(labels: np.ndarray, y: int, x: int, direction: int, left: int, right: int) -> int:
    """Where the border goes on at corner (y, x): between the same two labels.

    Where they lie crosswise, the pixels of the larger one hang together.
    """
    first = 3 if right > left else 1
    for turn in (first, 0, 4 - first):
        towards = (direction + turn) % 4
        a, b = _sides(labels, y, x, towards)
        if a == left and b == right:
            return towards
    return -1


@helper
def _is_new(seen: np.ndarray, y: int, x: int, direction: int) -> bool:
    """Whether nobody took the step from corner (y, x), either way, yet."""
    if direction == WEST:
        x -= 1
    elif direction == NORTH:
        y -= 1
    return not seen[y, x] & (1 << (direction & 1))


@helper
def _walk(
    labels: np.ndarray,
    seen: np.ndarray,
    y: int,
    x: int,
    direction: int,
    points: np.ndarray,
    n: int,
) -> tuple[int, bool]:
    """Follows a border from corner (y, x) to a junction or round; points so far, and if round."""
    left, right = _sides(labels, y, x, direction)
    while True:
        if direction == EAST:
            seen[y, x] |= 1
            points[n, 0], points[n, 1] = 2 * y - 1, 2 * x
            x += 1
        elif direction == SOUTH:
            seen[y, x] |= 2
            points[n, 0], points[n, 1] = 2 * y, 2 * x - 1
            y += 1
        elif direction == WEST:
            x -= 1
            seen[y, x] |= 1
            points[n, 0], points[n, 1] = 2 * y - 1, 2 * x
        else:
            y -= 1
            seen[y, x] |= 2
            points[n, 0], points[n, 1] = 2 * y, 2 * x - 1
        n += 1
        if _is_junction(labels, y, x):
            points[n, 0], points[n, 1] = 2 * y - 1, 2 * x - 1
            return n + 1, False
        direction = _turn(labels, y, x, direction, left, right)
        if not _is_new(seen, y, x, direction):
            return n, True


@kernel("int64(uint8[:, ::1], int32[:, ::1], int64[::1], int64[:, ::1])")
def trace_borders(
    labels: np.ndarray, points: np.ndarray, ends: np.ndarray, arcs: np.ndarray
) -> int:
    """How many arcs part the labels, uint8 (h, w), whose rim is one label.

    An arc runs between the same two labels from junction to junction, or is a loop. `arcs`, int64
    (A, 3), takes the labels left and right of each and 1 for a loop; `ends`, int64 (A,), where its
    points end; `points`, int32 (P, 2), y then x in *half* pixels from the first pixel's centre,
    has the junction, the middle of each pixel border crossed, and the other junction.
    """
    h, w = labels.shape
    seen = np.zeros((h, w), np.uint8)
    n = count = 0
    for loops in (False, True):
        for y in range(1, h):
            for x in range(1, w):
                if not loops and not _is_junction(labels, y, x):
                    continue
                for direction in range(2 if loops else 4):
                    left, right = _sides(labels, y, x, direction)
                    if left == right or not _is_new(seen, y, x, direction):
                        continue
                    if not loops:
                        points[n, 0], points[n, 1] = 2 * y - 1, 2 * x - 1
                        n += 1
                    n, is_loop = _walk(labels, seen, y, x, direction, points, n)
                    arcs[count, 0], arcs[count, 1], arcs[count, 2] = left, right, is_loop
                    ends[count] = n
                    count += 1
    return count


@helper
def _tangent(line: np.ndarray, k: int, is_loop: bool) -> tuple[float, float]:
    """The direction of the line at point k, of length 1 (0 where it turns back)."""
    last = len(line) - 1
    before, after = k - TANGENT_REACH, k + TANGENT_REACH
    if is_loop:  # whose last point is the first again
        before, after = before % last, after % last
    a, b = line[max(before, 0)], line[min(after, last)]
    dy, dx = b[0] - a[0], b[1] - a[1]
    length = np.sqrt(dy * dy + dx * dx)
    if length == 0:
        return 0.0, 0.0
    return dy / length, dx / length


@helper
def fit_cubic(
    line: np.ndarray, first: int, last: int, along: np.ndarray, ty0: float, tx0: float,
    ty1: float, tx1: float, curve: np.ndarray,
) -> float:  # fmt: skip
    """The largest squared distance of a point from the curve at its share of the length, `along`.

    The curve is the cubic nearest to line[first..last] that leaves along t0 and arrives along t1,
    of least squares; `curve`, float64 (3, 2), takes its control points after the first.
    """
    y0, x0, y3, x3 = line[first, 0], line[first, 1], line[last, 0], line[last, 1]
    c00 = c01 = c11 = r0 = r1 = 0.0
    base, length = along[first], along[last] - along[first]
    for k in range(first + 1, last):
        u = (along[k] - base) / length
        v = 1.0 - u
        b1, b2, near = 3 * u * v * v, 3 * u * u * v, v * v * (v + 3 * u)
        ry, rx = line[k, 0] - near * y0 - (1 - near) * y3, line[k, 1] - near * x0 - (1 - near) * x3
        c00 += b1 * b1
        c11 += b2 * b2
        c01 -= b1 * b2
        r0 += b1 * (ry * ty0 + rx * tx0)
        r1 -= b2 * (ry * ty1 + rx * tx1)
    c01 *= ty0 * ty1 + tx0 * tx1
    determinant = c00 * c11 - c01 * c01
    third = np.sqrt((y3 - y0) ** 2 + (x3 - x0) ** 2) / 3
    reach0 = reach1 = third
    if determinant > 1e-6 * c00 * c11:
        reach0 = (r0 * c11 - r1 * c01) / determinant
        reach1 = (c00 * r1 - c01 * r0) / determinant
        if min(reach0, reach1) < 0.01 * third or max(reach0, reach1) > length:  # a loop or a cusp
            reach0 = reach1 = third
    y1, x1, y2, x2 = y0 + reach0 * ty0, x0 + reach0 * tx0, y3 - reach1 * ty1, x3 - reach1 * tx1
    curve[0, 0], curve[0, 1], curve[1, 0], curve[1, 1] = y1, x1, y2, x2
    curve[2, 0], curve[2, 1] = y3, x3
    worst = 0.0
    for k in range(first + 1, last):
        u = (along[k] - base) / length
        v = 1.0 - u
        b0, b1, b2, b3 = v * v * v, 3 * u * v * v, 3 * u * u * v, u * u * u
        dy = b0 * y0 + b1 * y1 + b2 * y2 + b3 * y3 - line[k, 0]
        dx = b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3 - line[k, 1]
        worst = max(worst, dy * dy + dx * dx)
    return worst


@helper
def _fit_line(line: np.ndarray, is_loop: bool, tolerance: float, curves: np.ndarray, n: int) -> int:
    """Cubics along the line into `curves` from n on; where they end.

    A part that is too far from its cubic is halved.
    """
    along = np.zeros(len(line))
    for k in range(1, len(line)):
        dy, dx = line[k, 0] - line[k - 1, 0], line[k, 1] - line[k - 1, 1]
        along[k] = along[k - 1] + np.sqrt(dy * dy + dx * dx)
    ends = np.empty(len(line), np.int64)  # still to be reached, the nearest on top
    ends[0], waiting, first = len(line) - 1, 1, 0
    if is_loop:
        ends[1], waiting = len(line) // 2, 2
        tolerance = min(tolerance, along[-1] / LOOP_DETAIL)
    while waiting:
        last = ends[waiting - 1]
        ty0, tx0 = _tangent(line, first, is_loop)
        ty1, tx1 = _tangent(line, last, is_loop)
        error = fit_cubic(line, first, last, along, ty0, tx0, ty1, tx1, curves[n])
        if error > tolerance * tolerance:
            ends[waiting] = (first + last) // 2
            waiting += 1
        else:
            first = last
            waiting -= 1
            n += 1
    return n


@kernel("void(float64[:, ::1], int64[::1], int64[:, ::1], float64, float64[:, :, ::1], int64[::1])")
def fit_curves(
    points: np.ndarray,
    ends: np.ndarray,
    arcs: np.ndarray,
    tolerance: float,
    curves: np.ndarray,
    curve_ends: np.ndarray,
) -> None:
    """Cubic Bezier curves that follow the arcs of `trace_borders` within the tolerance.

    `points`, float64 (P, 2), may be moved ones. `curves`, float64 (P, 3, 2), takes the control
    points of each curve after its first, which is the end of the curve before or the arc's first
    point; `curve_ends`, int64 (A,), where each arc's curves end. An arc's tangents are continuous.

    Schneider, An algorithm for automatically fitting digitized curves, Graphics Gems, 1990.
    """
    n = begin = 0
    for arc in range(len(ends)):
        is_loop = arcs[arc, 2] == 1
        count = ends[arc] - begin
        line = np.empty((count + is_loop, 2))
        for k in range(len(line)):  # a loop ends where it begins
            for c in range(2):
                line[k, c] = points[begin + k % count, c]
        n = _fit_line(line, is_loop, tolerance, curves, n)
        curve_ends[arc] = n
        begin = ends[arc]
