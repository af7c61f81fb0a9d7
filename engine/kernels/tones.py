"""Colours counted, merged and assigned; same results as engine/reference/tones.py.

Counts are whole numbers, so that strips may be added in any order. Colours are CIE Lab.
"""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import helper, kernel

CELLS = (64, 32, 32)
"""Joint cells of lightness, a and b: 4, 8 and 8 levels wide."""
FINE = 64
"""Cells a side, 4 levels wide, that know the two colours nearest to their middle."""
UNKNOWN = 0xFFFF
SPLIT = 64.0
"""Sums of colours are in so many parts of a level."""


@helper
def _hue(a: np.float32, b: np.float32) -> np.float32:
    """The angle of (a, b) in half degrees, 0..180, within 0.01 of it: Abramowitz & Stegun 4.4.49,
    shortened."""
    wide, high = abs(a), abs(b)
    big, small = max(wide, high), min(wide, high)
    t = small / max(big, np.float32(1e-9))
    s = t * t
    r = np.float32(-0.0464964749) * s + np.float32(0.15931422)
    r = (r * s - np.float32(0.327622764)) * s * t + t
    if high > wide:
        r = np.float32(1.57079633) - r
    if a < 0:
        r = np.float32(3.14159265) - r
    if b < 0:
        r = np.float32(6.28318531) - r
    return r * np.float32(28.6478898)


@kernel("void(float32[:, :, ::1], float32[:, ::1], int64, int64, int64[:, ::1], int64[:, ::1])")
def count(
    lab: np.ndarray, alpha: np.ndarray, top: int, bottom: int, hists: np.ndarray, cells: np.ndarray
) -> None:
    """Adds the rows `top` to `bottom` to the histograms and to the cells' sums.

    Parameters
    ----------
    lab : float32 (h, w, 3)
    alpha : float32 (h, w)
        Pixels weigh as much in 255 parts; those below a half count for nothing.
    hists : int64 (3, 256)
        Lightness in 255ths; chroma in halves; hue in half degrees, weighted by its chroma above 4
        because grey has no hue.
    cells : int64 (64 * 32 * 32, 4)
        Weight, and weight times L*, a* and b* in 64ths.
    """
    split, half, grey = np.float32(SPLIT), np.float32(0.5), np.float32(4)
    for y in range(top, bottom):
        for x in range(lab.shape[1]):
            if alpha[y, x] < half:
                continue
            weight = int(alpha[y, x] * np.float32(255) + half)
            lightness, a, b = lab[y, x, 0], lab[y, x, 1], lab[y, x, 2]
            level = min(max(int(lightness * np.float32(2.55)), 0), 255)
            j = min(max(int(a + np.float32(128)) >> 3, 0), 31)
            k = min(max(int(b + np.float32(128)) >> 3, 0), 31)
            cell = ((level >> 2) * 32 + j) * 32 + k
            cells[cell, 0] += weight
            cells[cell, 1] += weight * int(np.floor(lightness * split + half))
            cells[cell, 2] += weight * int(np.floor(a * split + half))
            cells[cell, 3] += weight * int(np.floor(b * split + half))
            hists[0, level] += weight
            chroma = np.sqrt(a * a + b * b)
            hists[1, min(int(chroma * np.float32(2)), 255)] += weight
            if chroma > grey:
                hue = min(int(_hue(a, b)), 179)
                hists[2, hue] += weight * int((chroma - grey) * np.float32(16))


@kernel("void(float64[:, ::1], float64[:, ::1], int64[::1])")
def find_nearest(points: np.ndarray, colours: np.ndarray, nearest: np.ndarray) -> None:
    """Index of the colour, float64 (N, 3), nearest to each point, (P, 3); the lower one of two."""
    for i in range(len(points)):
        least, index = np.inf, 0
        for k in range(len(colours)):
            d, e, f = (
                points[i, 0] - colours[k, 0],
                points[i, 1] - colours[k, 1],
                points[i, 2] - colours[k, 2],
            )
            distance = d * d + e * e + f * f
            if distance < least:
                least, index = distance, k
        nearest[i] = index


@helper
def _distance2(colours: np.ndarray, i: int, j: int) -> float:
    d = colours[i, 0] - colours[j, 0]
    e = colours[i, 1] - colours[j, 1]
    f = colours[i, 2] - colours[j, 2]
    return d * d + e * e + f * f


@helper
def _cheapest(costs: np.ndarray, n: int) -> tuple[float, int, int]:
    """The least of the costs below the diagonal, and its place; the first one of equals."""
    least, p, q = np.inf, 0, 0
    for i in range(1, n):
        for j in range(i):
            if costs[i, j] < least:
                least, p, q = costs[i, j], j, i
    return least, p, q


@helper
def _nearest_to(colours: np.ndarray, p: int, n: int) -> int:
    least, nearest = np.inf, p
    for j in range(n):
        distance = _distance2(colours, p, j)
        if j != p and distance < least:
            least, nearest = distance, j
    return nearest


@helper
def _refresh(
    colours: np.ndarray, mass: np.ndarray, p: int, n: int, union: np.ndarray, gap: np.ndarray
) -> None:
    """What it costs to join colour `p` with each other one (Ward), and their squared distances."""
    for j in range(n):
        i, k = max(p, j), min(p, j)
        distance = _distance2(colours, i, k)
        gap[i, k] = distance
        union[i, k] = distance * mass[i] * mass[k] / (mass[i] + mass[k])


@kernel("int64(float64[:, ::1], float64[::1], int64, float64, float64)")
def merge(
    colours: np.ndarray, mass: np.ndarray, most: int, least_distance2: float, least_mass: float
) -> int:
    """Joins colours, float64 (N, 3), in place until there are few enough; returns how many remain.

    While there are more than `most`: the two whose union costs least, after Ward (1963). Then the
    nearest two below the least distance; then the lightest below `least_mass`, with its nearest.
    A joint colour stands at the first one's place, the last one moves to the other's.
    """
    n = len(mass)
    union, gap = np.zeros((n, n)), np.zeros((n, n))
    for p in range(n):
        _refresh(colours, mass, p, p, union, gap)
    while n > 1:
        if n > most:
            _, p, q = _cheapest(union, n)
        else:
            distance2, p, q = _cheapest(gap, n)
            if distance2 >= least_distance2:
                rare = int(np.argmin(mass[:n]))
                if mass[rare] >= least_mass:
                    break
                other = _nearest_to(colours, rare, n)
                p, q = min(rare, other), max(rare, other)
        both = mass[p] + mass[q]
        for c in range(3):
            colours[p, c] = (mass[p] * colours[p, c] + mass[q] * colours[q, c]) / both
        mass[p] = both
        n -= 1
        for c in range(3):
            colours[q, c] = colours[n, c]
        mass[q] = mass[n]
        _refresh(colours, mass, p, n, union, gap)
        if q < n:
            _refresh(colours, mass, q, n, union, gap)
    return n


@helper
def _to_cell(place: np.float32) -> np.uint64:
    return np.uint64(min(max(np.int32(place), np.int32(0)), np.int32(FINE - 1)))


@helper
def _two_nearest(i: np.uint64, j: np.uint64, k: np.uint64, colours: np.ndarray) -> int:
    """Indices of the two colours nearest to a cell's middle, the second one times 256."""
    l0 = (np.float32(i) + np.float32(0.5)) * np.float32(1 / 0.64)
    a0 = (np.float32(j) * np.float32(4) - np.float32(126)) * np.float32(1.5)
    b0 = (np.float32(k) * np.float32(4) - np.float32(126)) * np.float32(1.5)
    first, second = 0, 0
    least, next_least = np.float32(np.inf), np.float32(np.inf)
    for n in range(len(colours)):
        d, e, f = l0 - colours[n, 0], a0 - colours[n, 1], b0 - colours[n, 2]
        distance = d * d + e * e + f * f
        if distance < least:
            second, next_least = first, least
            first, least = n, distance
        elif distance < next_least:
            second, next_least = n, distance
    return second << 8 | first


@helper
def _find_ways(colours: np.ndarray, softness: np.float32) -> np.ndarray:
    """For each two colours what a difference of squared distances is multiplied with, to tell how
    far on the soft part of the way between them a pixel is; large where there is no soft part."""
    n = len(colours)
    per_way = np.full((n, n), np.float32(1e9), np.float32)
    for i in range(n):
        for j in range(n):
            d, e, f = (
                colours[i, 0] - colours[j, 0],
                colours[i, 1] - colours[j, 1],
                colours[i, 2] - colours[j, 2],
            )
            way = np.float32(2) * softness * (d * d + e * e + f * f)
            if way > np.float32(1e-9):
                per_way[i, j] = np.float32(1) / way
    return per_way


@helper
def _set_softness(
    lab: np.ndarray, y: int, gentle: np.float32, steep: np.float32, soft: np.ndarray
) -> None:
    """How far soft tones hold in a row: less, the steeper the change from pixel to pixel is."""
    h, w = lab.shape[:2]
    half, full, zero = np.float32(0.5), np.float32(255), np.float32(0)
    above, below, last = max(y - 1, 0), min(y + 1, h - 1), w - 1
    per_held = full / (steep - gentle)
    squares = np.zeros(w, np.float32)
    for c in range(3):
        weight = np.float32(1) if c == 0 else np.float32(2.25)
        for x in range(w):
            across = (lab[y, min(x + 1, last), c] - lab[y, max(x - 1, 0), c]) * half
            down = (lab[below, x, c] - lab[above, x, c]) * half
            squares[x] += weight * (across * across + down * down)
    for x in range(w):
        held = (steep - np.sqrt(squares[x])) * per_held
        soft[y, x] = np.uint8(np.int32(min(max(held, zero), full)))


@kernel(
    "void(float32[:, :, ::1], float32[:, ::1], float32[:, ::1], uint8[:, ::1], float32, float32,"
    " float32, int64, int64, uint8[:, ::1], uint8[:, :, ::1], uint8[:, ::1])"
)
def assign(
    lab: np.ndarray,
    alpha: np.ndarray,
    colours: np.ndarray,
    painted: np.ndarray,
    softness: np.float32,
    gentle: np.float32,
    steep: np.float32,
    top: int,
    bottom: int,
    labels: np.ndarray,
    tones: np.ndarray,
    soft: np.ndarray,
) -> None:
    """The rows `top` to `bottom` of labels, soft tones, and of where these hold.

    Parameters
    ----------
    lab : float32 (h, w, 3)
    alpha : float32 (h, w)
        Where it is 0, labels are 0 and no tones hold.
    colours : float32 (N, 3)
        Lab, with a and b times 1.5.
    painted : uint8 (N, 3)
        The RGB in which each is painted.
    softness
        Share of the way between two colours over which one passes into the other, above 0.
    gentle, steep
        Change from pixel to pixel, in the colours' scale, up to which tones are all soft, and from
        which on they are all hard.
    labels, tones, soft
        For the results: uint8 (h, w), the nearest colour; uint8 (h, w, 3), that colour mixed with
        the second nearest; uint8 (h, w), how far the latter holds.
    """
    half, one, weight = np.float32(0.5), np.float32(1), np.float32(1.5)
    cells = np.full((FINE, FINE, FINE), UNKNOWN, np.uint16)
    per_way = _find_ways(colours, softness)
    for y in range(top, bottom):
        _set_softness(lab, y, gentle, steep, soft)
        for x in range(lab.shape[1]):
            if alpha[y, x] <= 0:
                labels[y, x], soft[y, x] = 0, 0
                for c in range(3):
                    tones[y, x, c] = painted[0, c]
                continue
            lightness, a, b = lab[y, x, 0], lab[y, x, 1], lab[y, x, 2]
            i = _to_cell(lightness * np.float32(0.64))
            j = _to_cell((a + np.float32(128)) * np.float32(0.25))
            k = _to_cell((b + np.float32(128)) * np.float32(0.25))
            if cells[i, j, k] == UNKNOWN:
                cells[i, j, k] = _two_nearest(i, j, k, colours)
            pair = np.uint64(cells[i, j, k])  # unsigned, so as not to count from the end
            first, second = pair & np.uint64(255), pair >> np.uint64(8)
            a, b = a * weight, b * weight
            d0, e0 = lightness - colours[first, 0], lightness - colours[second, 0]
            d1, e1 = a - colours[first, 1], a - colours[second, 1]
            d2, e2 = b - colours[first, 2], b - colours[second, 2]
            near, far = d0 * d0 + d1 * d1 + d2 * d2, e0 * e0 + e1 * e1 + e2 * e2
            if far < near:
                first, second = second, first
                near, far = far, near
            labels[y, x] = first
            share = min(one, half + (far - near) * per_way[first, second])
            for c in range(3):
                other = np.float32(painted[second, c])
                mixed = other + share * (np.float32(painted[first, c]) - other)
                tones[y, x, c] = np.uint8(np.int32(mixed + half))


@kernel("void(uint8[:, :, ::1], int64, int64, uint8[:, ::1])")
def find_highest(fields: np.ndarray, top: int, bottom: int, highest: np.ndarray) -> None:
    """The rows `top` to `bottom` of `highest`: index of the highest field, the lower one of two.

    `fields` is uint8 (N, h, w), N up to 255.
    """
    width = fields.shape[2]
    best = np.empty(width, np.uint16)  # the field, and 255 less the index below it
    eight, low = np.uint16(8), np.uint16(255)
    for y in range(top, bottom):
        for x in range(width):
            best[x] = np.uint16(fields[0, y, x]) << eight | low
        for n in range(1, len(fields)):
            index = np.uint16(255 - n)
            for x in range(width):
                best[x] = max(best[x], np.uint16(np.uint16(fields[n, y, x]) << eight | index))
        for x in range(width):
            highest[y, x] = np.uint8(low - (best[x] & low))
