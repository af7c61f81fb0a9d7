"""A drawing's fields to pixels, with analytic anti-aliasing; same as engine/reference/raster.py."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import helper, kernel

ONE, TWO, THREE = np.uint64(1), np.uint64(2), np.uint64(3)
FLAT, BORDER, SOFT, INKED, EDGE, OUTSIDE = 0, 1, 2, 4, 8, 16
REACH = 0.8
"""Working pixels beyond the outline within which a cell may still be partly covered."""


@kernel(
    "void(uint8[:, ::1], uint8[:, :, ::1], uint8[:, ::1], float32[:, ::1], float32[:, ::1],"
    " uint8[:, ::1], float32, int64, int64, uint8[:, ::1])"
)
def find_kinds(
    labels: np.ndarray,
    tones: np.ndarray,
    soft: np.ndarray,
    ink: np.ndarray,
    edge: np.ndarray,
    colours: np.ndarray,
    outline: np.float32,
    top: int,
    bottom: int,
    kinds: np.ndarray,
) -> None:
    """The rows `top` to `bottom` of `kinds`, uint8 (h - 1, w - 1): what a cell of 4 corners is.

    OUTSIDE: not covered. Else a sum of BORDER (of several labels), SOFT (with tones), INKED and
    EDGE (near the silhouette); FLAT is none of them. Fields are as for `render`.
    """
    beyond = outline + np.float32(REACH)
    for y in range(top, bottom):
        for x in range(kinds.shape[1]):
            label = labels[y, x]
            lowest, highest, most_ink = edge[y, x], edge[y, x], ink[y, x]
            softest, is_plain, kind = np.uint8(0), True, FLAT
            for n in range(4):
                i, j = y + (n >> 1), x + (n & 1)
                lowest, highest = min(lowest, edge[i, j]), max(highest, edge[i, j])
                most_ink, softest = max(most_ink, ink[i, j]), max(softest, soft[i, j])
                if labels[i, j] != label:
                    kind |= BORDER
                for c in range(3):
                    is_plain = is_plain and tones[i, j, c] == colours[label, c]
            if softest > 0 and not (is_plain and kind == FLAT):
                kind |= SOFT
            if most_ink > 0:
                kind |= INKED
            if lowest <= beyond:
                kind |= EDGE
            kinds[y, x] = OUTSIDE if highest < -beyond else kind


@helper
def _clamp(value: np.float32) -> np.float32:
    return min(max(value, np.float32(0)), np.float32(1))


@helper
def _to_level(value: np.float32) -> np.uint8:
    """Rounded; by way of 32 bits, because 64 take longer."""
    return np.uint8(np.int32(value + np.float32(0.5)))


@helper
def _set_line(
    field: np.ndarray, scale: np.float32, i: int, ty: np.float32, line: np.ndarray
) -> None:
    """A field times a scale, between its rows `i` and `i` + 1."""
    above, below = field[i], field[i + 1]
    for x in range(len(line)):
        upper = np.float32(above[x]) * scale
        line[x] = upper + ty * (np.float32(below[x]) * scale - upper)


@helper
def _steepness(across: np.float32, down: np.float32, sx: np.float32, sy: np.float32) -> np.float32:
    """Length of a gradient per output pixel, and a little, so as not to be 0."""
    across, down = across * sx, down * sy
    return np.sqrt(across * across + down * down) + np.float32(1e-4)


@helper
def _set_candidates(
    fields: np.ndarray, labels: np.ndarray, i: int, j: int, ty: np.float32, names: np.ndarray,
    sides: np.ndarray,
) -> int:  # fmt: skip
    """The labels of a cell's corners, each once, and of their fields in this row: the value at the
    left, its rise to the right, and the same of the slope downwards."""
    count = 0
    for n in range(4):
        label = labels[i + (n >> 1), j + (n & 1)]
        is_new = True
        for k in range(count):
            is_new = is_new and names[k] != label
        if is_new:
            a, b = np.float32(fields[label, i, j]), np.float32(fields[label, i, j + 1])
            c, d = np.float32(fields[label, i + 1, j]), np.float32(fields[label, i + 1, j + 1])
            names[count] = label
            sides[count, 0] = a + ty * (c - a)
            sides[count, 1] = (b + ty * (d - b)) - sides[count, 0]
            sides[count, 2] = c - a
            sides[count, 3] = (d - b) - sides[count, 2]
            count += 1
    return count


@helper
def _choose(
    sides: np.ndarray, count: int, tx: np.float32, sx: np.float32, sy: np.float32
) -> tuple[int, int, np.float32]:
    """The two highest candidates, and the share of the first, by how far the pixel lies on its
    side."""
    first = second = 0
    high, next_high = np.float32(-1), np.float32(-1)
    for k in range(count):
        value = sides[k, 0] + tx * sides[k, 1]
        if value > high:
            second, next_high = first, high
            first, high = k, value
        elif value > next_high:
            second, next_high = k, value
    across = sides[first, 1] - sides[second, 1]
    down = (sides[first, 2] - sides[second, 2]) + tx * (sides[first, 3] - sides[second, 3])
    share = np.float32(0.5) + (high - next_high) / _steepness(across, down, sx, sy)
    return first, second, _clamp(share)


@helper
def _ink_share(
    ink: np.ndarray, line: np.ndarray, i: int, j: int, tx: np.float32, sx: np.float32,
    sy: np.float32,
) -> np.float32:  # fmt: skip
    left, across = line[j], line[j + 1] - line[j]
    down = ink[i + 1, j] - ink[i, j]
    down = down + tx * ((ink[i + 1, j + 1] - ink[i, j + 1]) - down)
    level = left + tx * across
    return _clamp(np.float32(0.5) + level / _steepness(across, down, sx, sy))


@kernel(
    "void(uint8[:, :, ::1], uint8[:, ::1], uint8[:, :, ::1], uint8[:, ::1], float32[:, ::1],"
    " float32[:, ::1], uint8[:, ::1], uint8[:, ::1], uint8[::1], float32, int64[::1], float32[::1],"
    " int64[::1], float32[::1], float32, float32, int64[::1], int64, int64, uint8[:, ::1],"
    " uint8[:, ::1])"
)
def render(
    fields: np.ndarray,
    labels: np.ndarray,
    tones: np.ndarray,
    soft: np.ndarray,
    ink: np.ndarray,
    edge: np.ndarray,
    kinds: np.ndarray,
    colours: np.ndarray,
    ink_colour: np.ndarray,
    outline: np.float32,
    row_cells: np.ndarray,
    row_shares: np.ndarray,
    column_starts: np.ndarray,
    column_shares: np.ndarray,
    sx: np.float32,
    sy: np.float32,
    order: np.ndarray,
    first: int,
    last: int,
    out: np.ndarray,
    coverage: np.ndarray,
) -> None:
    """Draws rows of `out` over what is there: `order[first:last]`.

    Parameters
    ----------
    fields : uint8 (N, h, w)
    labels, soft : uint8 (h, w)
    tones : uint8 (h, w, 3)
    ink, edge : float32 (h, w)
        As in Regions and Shapes: at the working size, bilinear between pixels.
    kinds : uint8 (h - 1, w - 1)
    colours, ink_colour : uint8 (N, 3), (3,)
    outline
        Half the width of the silhouette's line, working pixels; 0 for none.
    row_cells, row_shares : (H,)
        The cell of each row, and how far down in it the row lies, 0..1; -1 for no cell.
    column_starts, column_shares : (w,), (W,)
        The first column of each cell, and the end; how far right in its cell each column lies.
    sx, sy
        Working pixels per output pixel, up to 1.
    out : uint8 (H, 3 W)
    coverage : uint8 (H, W), or without a row
        How much of each pixel is covered; colours are then not mixed with what is there.
    """
    half, one, full = np.float32(0.5), np.float32(1), np.float32(255)
    per_pixel, reach = one / sx, outline / sx
    h, w = labels.shape
    names, sides = np.empty(4, np.uint8), np.empty((4, 4), np.float32)
    held, ink_line, edge_line = np.empty((3, w), np.float32)
    tone, tones = np.empty(3 * w, np.float32), tones.reshape(h, 3 * w)
    ink_r, ink_g, ink_b = (
        np.float32(ink_colour[0]), np.float32(ink_colour[1]), np.float32(ink_colour[2]),
    )  # fmt: skip
    is_transparent = len(coverage) > 0
    count = 0
    for n in range(first, last):
        y = order[n]
        i, ty = row_cells[y], row_shares[y]
        if i < 0:
            continue
        _set_line(soft, one / full, i, ty, held)
        _set_line(tones, one, i, ty, tone)
        _set_line(ink, one, i, ty, ink_line)
        _set_line(edge, one, i, ty, edge_line)
        row = out[y]
        for j in range(w - 1):
            kind, label = kinds[i, j], labels[i, j]
            if kind == OUTSIDE:
                continue
            # Unsigned, because no index is then checked for counting from the end.
            start, stop = np.uint64(column_starts[j]), np.uint64(column_starts[j + 1])
            place = np.uint64(3) * start
            if is_transparent and not kind & EDGE:
                coverage[y, start:stop] = 255
            if kind == FLAT:
                for _ in range(start, stop):
                    row[place] = colours[label, 0]
                    row[place + ONE] = colours[label, 1]
                    row[place + TWO] = colours[label, 2]
                    place += THREE
                continue
            r, g, b = (
                np.float32(colours[label, 0]), np.float32(colours[label, 1]),
                np.float32(colours[label, 2]),
            )  # fmt: skip
            h0, r0, g0, b0 = held[j], tone[3 * j], tone[3 * j + 1], tone[3 * j + 2]
            h1, r1 = held[j + 1] - h0, tone[3 * j + 3] - r0
            g1, b1 = tone[3 * j + 4] - g0, tone[3 * j + 5] - b0
            if kind == SOFT:
                for x in range(start, stop):
                    tx = column_shares[x]
                    part = h0 + tx * h1
                    row[place] = _to_level(r + part * ((r0 + tx * r1) - r))
                    row[place + ONE] = _to_level(g + part * ((g0 + tx * g1) - g))
                    row[place + TWO] = _to_level(b + part * ((b0 + tx * b1) - b))
                    place += THREE
                continue
            if kind & BORDER:
                count = _set_candidates(fields, labels, i, j, ty, names, sides)
            for x in range(start, stop):
                tx = column_shares[x]
                here, place = place, place + THREE
                black, cover = np.float32(0), one
                if kind & EDGE:
                    distance = edge_line[j] + tx * (edge_line[j + 1] - edge_line[j])
                    distance = per_pixel * distance
                    cover = _clamp(half + distance + reach)
                    if cover <= 0:
                        continue
                    if outline > 0:
                        black = _clamp(half + reach - distance)
                if kind & BORDER:
                    one_side, other_side, share = _choose(sides, count, tx, sx, sy)
                    p, q = names[one_side], names[other_side]
                    r, g, b = (
                        np.float32(colours[q, 0]), np.float32(colours[q, 1]),
                        np.float32(colours[q, 2]),
                    )  # fmt: skip
                    r = r + share * (np.float32(colours[p, 0]) - r)
                    g = g + share * (np.float32(colours[p, 1]) - g)
                    b = b + share * (np.float32(colours[p, 2]) - b)
                red, green, blue = r, g, b
                if kind & SOFT:
                    part = h0 + tx * h1
                    red = r + part * ((r0 + tx * r1) - r)
                    green = g + part * ((g0 + tx * g1) - g)
                    blue = b + part * ((b0 + tx * b1) - b)
                if kind & INKED:
                    black = max(black, _ink_share(ink, ink_line, i, j, tx, sx, sy))
                red = red + black * (ink_r - red)
                green = green + black * (ink_g - green)
                blue = blue + black * (ink_b - blue)
                if is_transparent:
                    coverage[y, x] = _to_level(cover * full)
                elif cover < one:
                    r0_, g0_, b0_ = (
                        np.float32(row[here]), np.float32(row[here + ONE]),
                        np.float32(row[here + TWO]),
                    )  # fmt: skip
                    red = r0_ + cover * (red - r0_)
                    green = g0_ + cover * (green - g0_)
                    blue = b0_ + cover * (blue - b0_)
                row[here] = _to_level(red)
                row[here + ONE] = _to_level(green)
                row[here + TWO] = _to_level(blue)
