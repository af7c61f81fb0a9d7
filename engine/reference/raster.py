"""A drawing's fields to pixels, in NumPy: every pixel on its own."""

from __future__ import annotations

import numpy as np

HALF, ONE = np.float32(0.5), np.float32(1)
REACH = np.float32(0.8)
OUTSIDE, FLAT, MIXED = 0, 1, 2


def _corners(field: np.ndarray) -> list[np.ndarray]:
    return [field[:-1, :-1], field[:-1, 1:], field[1:, :-1], field[1:, 1:]]


def find_kinds(
    labels: np.ndarray,
    tones: np.ndarray,
    soft: np.ndarray,
    ink: np.ndarray,
    edge: np.ndarray,
    colours: np.ndarray,
    outline: np.float32,
) -> np.ndarray:
    """What each cell of 4 corners is, uint8 (h - 1, w - 1); see the kernel."""
    first = _corners(labels)[0]
    one_label = np.logical_and.reduce([corner == first for corner in _corners(labels)])
    plain = [
        (holds == 0) | (tone == colours[first]).all(axis=-1)
        for holds, tone in zip(_corners(soft), _corners(tones), strict=True)
    ]
    dry = np.logical_and.reduce([corner <= 0 for corner in _corners(ink)])
    within = np.minimum.reduce(_corners(edge)) > outline + REACH
    flat = one_label & np.logical_and.reduce(plain) & dry & within
    outside = np.maximum.reduce(_corners(edge)) < -outline - REACH
    return np.where(outside, OUTSIDE, np.where(flat, FLAT, MIXED)).astype(np.uint8)


class Taps:
    """Where the pixels of a picture lie in the cells of a working picture."""

    def __init__(
        self, rows: tuple[np.ndarray, np.ndarray], columns: tuple[np.ndarray, np.ndarray],
        sx: np.float32, sy: np.float32,
    ) -> None:  # fmt: skip
        (self.i, ty), (self.j, tx) = rows, columns
        self.tx, self.ty = np.broadcast_arrays(tx[None], ty[:, None])
        self.sx, self.sy = sx, sy

    def corners(self, field: np.ndarray) -> list[np.ndarray]:
        """The four corners of each pixel's cell, (H, W, ...)."""
        i, j = self.i[:, None], self.j[None]
        return [field[i, j], field[i, j + 1], field[i + 1, j], field[i + 1, j + 1]]

    def between(self, corners: list[np.ndarray]) -> np.ndarray:
        a, b, c, d = (corner.astype(np.float32) for corner in corners)
        shape = (*self.tx.shape, *(1,) * (a.ndim - 2))
        tx, ty = self.tx.reshape(shape), self.ty.reshape(shape)
        upper, lower = a + tx * (b - a), c + tx * (d - c)
        return upper + ty * (lower - upper)

    def steepness(self, corners: list[np.ndarray]) -> np.ndarray:
        a, b, c, d = corners
        across = ((b - a) + self.ty * ((d - c) - (b - a))) * self.sx
        down = ((c - a) + self.tx * ((d - b) - (c - a))) * self.sy
        return np.sqrt(across * across + down * down) + np.float32(1e-4)


def _clamp(values: np.ndarray) -> np.ndarray:
    return np.minimum(np.maximum(values, np.float32(0)), ONE)


def _flat_colour(
    taps: Taps, fields: np.ndarray, labels: np.ndarray, colours: np.ndarray
) -> np.ndarray:
    """The two highest of the corners' labels, mixed by how far the pixel lies on either side."""
    at_corners = taps.corners(labels)
    values, places = [], np.indices(taps.tx.shape)
    stacks = [taps.corners(field) for field in fields]
    heights = np.stack([taps.between(stack) for stack in stacks])
    first, second = np.full(taps.tx.shape, -1), np.full(taps.tx.shape, -1)
    high, next_high = np.full((2, *taps.tx.shape), np.float32(-1))
    for corner in at_corners:
        label = corner.astype(int)
        value = heights[label, *places]
        known = (label == first) | (label == second)
        higher = ~known & (value > high)
        middle = ~known & ~higher & (value > next_high)
        second, next_high = (
            np.where(higher, first, np.where(middle, label, second)),
            np.where(higher, high, np.where(middle, value, next_high)),
        )
        first, high = np.where(higher, label, first), np.where(higher, value, high)
    alone = second < 0
    second = np.where(alone, first, second)
    corners = np.array(stacks).astype(np.float32)  # (N, 4, H, W)
    values = [corners[first, n, *places] - corners[second, n, *places] for n in range(4)]
    share = _clamp(HALF + (high - next_high) / taps.steepness(values))
    share = np.where(alone, ONE, share)[..., None]
    own, other = colours[first].astype(np.float32), colours[second].astype(np.float32)
    return other + share * (own - other)


def render(
    fields: np.ndarray,
    labels: np.ndarray,
    tones: np.ndarray,
    soft: np.ndarray,
    ink: np.ndarray,
    edge: np.ndarray,
    colours: np.ndarray,
    ink_colour: np.ndarray,
    outline: np.float32,
    taps: Taps,
    behind: np.ndarray,
) -> np.ndarray:
    """The picture, uint8, of the shape of what is behind; see the kernel.

    Anti-aliasing by the distance to a field's zero line: its value by its gradient per pixel.
    """
    per_pixel = ONE / taps.sx
    distance = per_pixel * taps.between(taps.corners(edge))
    cover = _clamp(HALF + distance + outline * per_pixel)
    colour = _flat_colour(taps, fields, labels, colours)
    held = (taps.between(taps.corners(soft)) / np.float32(255))[..., None]
    tone = taps.between(taps.corners(tones))
    colour = np.where(held > 0, colour + held * (tone - colour), colour)
    levels = taps.corners(ink)
    black = _clamp(HALF + taps.between(levels) / taps.steepness(levels))
    black = np.where(np.maximum.reduce(levels) > 0, black, np.float32(0))
    if outline > 0:
        black = np.maximum(black, _clamp(HALF + outline * per_pixel - distance))
    value = colour + black[..., None] * (ink_colour.astype(np.float32) - colour)
    kinds = find_kinds(labels, tones, soft, ink, edge, colours, outline)
    kind = kinds[taps.i[:, None], taps.j[None]]
    flat = (kind == FLAT)[..., None]
    value = np.where(flat, colours[labels[taps.i[:, None], taps.j[None]]], value)
    cover = np.where(kind == FLAT, ONE, np.where(kind == OUTSIDE, np.float32(0), cover))
    part = cover[..., None]
    if behind.shape[2] == 4:
        drawn = np.dstack([value + HALF, cover * np.float32(255) + HALF]).astype(np.uint8)
        return np.where(part > 0, drawn, behind)
    below = behind.astype(np.float32)
    drawn = (below + part * (value - below) + HALF).astype(np.uint8)
    return np.where(part > 0, drawn, behind)
