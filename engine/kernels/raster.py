"""A drawing's fields to pixels, with analytic anti-aliasing; same as engine/reference/raster.py."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import helper, kernel

OUTSIDE, FLAT, MIXED = 0, 1, 2
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

    OUTSIDE: not covered. FLAT: one colour, without ink, and the tones are that colour or do not
    hold. MIXED: anything else. Fields are as for `render`.
    """
    for y in range(top, bottom):
        for x in range(kinds.shape[1]):
            label = labels[y, x]
            lowest, highest, most_ink = edge[y, x], edge[y, x], ink[y, x]
            is_flat = True
            for n in range(4):
                i, j = y + (n >> 1), x + (n & 1)
                lowest, highest = min(lowest, edge[i, j]), max(highest, edge[i, j])
                most_ink = max(most_ink, ink[i, j])
                is_flat = is_flat and labels[i, j] == label
                if soft[i, j] > 0:
                    for c in range(3):
                        is_flat = is_flat and tones[i, j, c] == colours[label, c]
            if highest < -outline - np.float32(REACH):
                kinds[y, x] = OUTSIDE
            elif is_flat and most_ink <= 0 and lowest > outline + np.float32(REACH):
                kinds[y, x] = FLAT
            else:
                kinds[y, x] = MIXED


@helper
def _between(a: np.float32, b: np.float32, c: np.float32, d: np.float32, tx: np.float32,
             ty: np.float32) -> np.float32:  # fmt: skip
    """Bilinear, of the corners a b over c d."""
    upper, lower = a + tx * (b - a), c + tx * (d - c)
    return upper + ty * (lower - upper)


@helper
def _steepness(a: np.float32, b: np.float32, c: np.float32, d: np.float32, tx: np.float32,
               ty: np.float32, sx: np.float32, sy: np.float32) -> np.float32:  # fmt: skip
    """Length of the bilinear patch's gradient per output pixel, and a little, so as not to be 0."""
    across = (b - a) + ty * ((d - c) - (b - a))
    down = (c - a) + tx * ((d - b) - (c - a))
    across, down = across * sx, down * sy
    return np.sqrt(across * across + down * down) + np.float32(1e-4)


@helper
def _corner(field: np.ndarray, i: int, j: int, n: int) -> np.float32:
    return np.float32(field[i + (n >> 1), j + (n & 1)])


@helper
def _clamp(value: np.float32) -> np.float32:
    return min(max(value, np.float32(0)), np.float32(1))


@helper
def _flat_colour(
    fields: np.ndarray, labels: np.ndarray, colours: np.ndarray, i: int, j: int, tx: np.float32,
    ty: np.float32, sx: np.float32, sy: np.float32, colour: np.ndarray,
) -> None:  # fmt: skip
    """The two highest of the corners' labels, mixed by how far the pixel lies on either side."""
    first = second = np.int64(-1)
    high, next_high = np.float32(-1), np.float32(-1)
    for n in range(4):
        label = np.int64(labels[i + (n >> 1), j + (n & 1)])
        if label in (first, second):
            continue
        field = fields[label]
        value = _between(
            _corner(field, i, j, 0), _corner(field, i, j, 1), _corner(field, i, j, 2),
            _corner(field, i, j, 3), tx, ty,
        )  # fmt: skip
        if value > high:
            second, next_high = first, high
            first, high = label, value
        elif value > next_high:
            second, next_high = label, value
    share = np.float32(1)
    if second >= 0:
        a, b, c, d = (
            _corner(fields[first], i, j, 0) - _corner(fields[second], i, j, 0),
            _corner(fields[first], i, j, 1) - _corner(fields[second], i, j, 1),
            _corner(fields[first], i, j, 2) - _corner(fields[second], i, j, 2),
            _corner(fields[first], i, j, 3) - _corner(fields[second], i, j, 3),
        )
        steepness = _steepness(a, b, c, d, tx, ty, sx, sy)
        share = _clamp(np.float32(0.5) + (high - next_high) / steepness)
    else:
        second = first
    for c in range(3):
        other = np.float32(colours[second, c])
        colour[c] = other + share * (np.float32(colours[first, c]) - other)


@helper
def _soften(
    tones: np.ndarray, soft: np.ndarray, i: int, j: int, tx: np.float32, ty: np.float32,
    colour: np.ndarray,
) -> None:  # fmt: skip
    held = _between(
        _corner(soft, i, j, 0), _corner(soft, i, j, 1), _corner(soft, i, j, 2),
        _corner(soft, i, j, 3), tx, ty,
    ) / np.float32(255)  # fmt: skip
    if held > 0:
        for c in range(3):
            tone = _between(
                np.float32(tones[i, j, c]), np.float32(tones[i, j + 1, c]),
                np.float32(tones[i + 1, j, c]), np.float32(tones[i + 1, j + 1, c]), tx, ty,
            )  # fmt: skip
            colour[c] = colour[c] + held * (tone - colour[c])


@helper
def _ink_share(
    ink: np.ndarray, i: int, j: int, tx: np.float32, ty: np.float32, sx: np.float32, sy: np.float32
) -> np.float32:
    """How much of the pixel is ink; a cell without a corner above 0 has none."""
    a, b = ink[i, j], ink[i, j + 1]
    c, d = ink[i + 1, j], ink[i + 1, j + 1]
    if max(max(a, b), max(c, d)) <= 0:
        return np.float32(0)
    steepness = _steepness(a, b, c, d, tx, ty, sx, sy)
    return _clamp(np.float32(0.5) + _between(a, b, c, d, tx, ty) / steepness)


@kernel(
    "void(uint8[:, :, ::1], uint8[:, ::1], uint8[:, :, ::1], uint8[:, ::1], float32[:, ::1],"
    " float32[:, ::1], uint8[:, ::1], uint8[:, ::1], uint8[::1], float32, int64[::1], float32[::1],"
    " int64[::1], float32[::1], float32, float32, int64, int64, uint8[:, :, :])"
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
    top: int,
    bottom: int,
    out: np.ndarray,
) -> None:
    """Draws the rows `top` to `bottom` of `out` over what is there.

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
        The cell of each row, and how far down in it the row lies, 0..1.
    column_starts, column_shares : (w,), (W,)
        The first column of each cell, and the end; how far right in its cell each column lies.
    sx, sy
        Working pixels per output pixel.
    out : uint8 (H, W, 3 or 4)
        With a fourth channel colours are not mixed with what is there, and it becomes the coverage.
    """
    half, one, full = np.float32(0.5), np.float32(1), np.float32(255)
    per_pixel = one / sx
    colour = np.empty(3, np.float32)
    is_mixed_with = out.shape[2] == 3
    for y in range(top, bottom):
        i, ty = row_cells[y], row_shares[y]
        for j in range(kinds.shape[1]):
            kind = kinds[i, j]
            if kind == OUTSIDE:
                continue
            if kind == FLAT:
                label = labels[i, j]
                r, g, b = colours[label, 0], colours[label, 1], colours[label, 2]
                for x in range(column_starts[j], column_starts[j + 1]):
                    out[y, x, 0], out[y, x, 1], out[y, x, 2] = r, g, b
                    if not is_mixed_with:
                        out[y, x, 3] = 255
                continue
            for x in range(column_starts[j], column_starts[j + 1]):
                tx = column_shares[x]
                distance = per_pixel * _between(
                    edge[i, j], edge[i, j + 1], edge[i + 1, j], edge[i + 1, j + 1], tx, ty
                )
                cover = _clamp(half + distance + outline * per_pixel)
                if cover <= 0:
                    continue
                _flat_colour(fields, labels, colours, i, j, tx, ty, sx, sy, colour)
                _soften(tones, soft, i, j, tx, ty, colour)
                black = _ink_share(ink, i, j, tx, ty, sx, sy)
                if outline > 0:
                    black = max(black, _clamp(half + outline * per_pixel - distance))
                for c in range(3):
                    value = colour[c] + black * (np.float32(ink_colour[c]) - colour[c])
                    if is_mixed_with:
                        behind = np.float32(out[y, x, c])
                        value = behind + cover * (value - behind)
                    out[y, x, c] = np.uint8(value + half)
                if not is_mixed_with:
                    out[y, x, 3] = np.uint8(cover * full + half)
