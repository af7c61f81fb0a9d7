"""A drawing's fields to pixels, in NumPy: every pixel on its own."""

from __future__ import annotations

import numpy as np

HALF, ONE = np.float32(0.5), np.float32(1)
REACH = np.float32(0.8)


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
    border = np.logical_or.reduce([corner != first for corner in _corners(labels)])
    plain = [(tone == colours[first]).all(axis=-1) for tone in _corners(tones)]
    plain = np.logical_and.reduce(plain) & ~border
    soft = (np.maximum.reduce(_corners(soft)) > 0) & ~plain
    inked = np.maximum.reduce(_corners(ink)) > 0
    near = np.minimum.reduce(_corners(edge)) <= outline + REACH
    outside = np.maximum.reduce(_corners(edge)) < -(outline + REACH)
    return np.where(outside, 16, border + 2 * soft + 4 * inked + 8 * near).astype(np.uint8)


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
        """The four corners of each pixel's cell, float32 (H, W)."""
        i, j = self.i[:, None], self.j[None]
        places = ((i, j), (i, j + 1), (i + 1, j), (i + 1, j + 1))
        return [field[place].astype(np.float32) for place in places]

    def patch(self, field: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of the bilinear field: its value, and its slopes to the right and down."""
        a, b, c, d = self.corners(field)
        left = a + self.ty * (c - a)
        across = (b + self.ty * (d - b)) - left
        return left + self.tx * across, across, (c - a) + self.tx * ((d - b) - (c - a))

    def steepness(self, across: np.ndarray, down: np.ndarray) -> np.ndarray:
        across, down = across * self.sx, down * self.sy
        return np.sqrt(across * across + down * down) + np.float32(1e-4)


def _clamp(values: np.ndarray) -> np.ndarray:
    return np.minimum(np.maximum(values, np.float32(0)), ONE)


def _flat_colour(
    taps: Taps, fields: np.ndarray, labels: np.ndarray, colours: np.ndarray
) -> np.ndarray:
    """The two highest of the corners' labels, mixed by how far the pixel lies on either side."""
    i, j = taps.i[:, None], taps.j[None]
    first, second = np.full((2, *taps.tx.shape), -1)
    high, next_high = np.full((2, *taps.tx.shape), np.float32(-1))
    heights = np.stack([taps.patch(field)[0] for field in fields])
    for label in (labels[i, j], labels[i, j + 1], labels[i + 1, j], labels[i + 1, j + 1]):
        label = label.astype(int)
        value = np.take_along_axis(heights, label[None], axis=0)[0]
        is_new = (label != first) & (label != second)
        higher = is_new & (value > high)
        middle = is_new & ~higher & (value > next_high)
        second = np.where(higher, first, np.where(middle, label, second))
        next_high = np.where(higher, high, np.where(middle, value, next_high))
        first, high = np.where(higher, label, first), np.where(higher, value, high)
    alone = second < 0
    second = np.where(alone, first, second)
    share = HALF + (high - next_high) / _gap_steepness(taps, fields, first, second)
    share = np.where(alone, ONE, _clamp(share))[..., None]
    own, other = colours[first].astype(np.float32), colours[second].astype(np.float32)
    return other + share * (own - other)


def _gap_steepness(
    taps: Taps, fields: np.ndarray, first: np.ndarray, second: np.ndarray
) -> np.ndarray:
    """That of the difference of two fields."""
    corners = np.array([taps.corners(field) for field in fields])
    slopes = []
    for index in (first, second):
        a, b, c, d = np.take_along_axis(corners, index[None, None], axis=0)[0]
        left = a + taps.ty * (c - a)
        slopes.append(((b + taps.ty * (d - b)) - left, c - a, (d - b) - (c - a)))
    (across, down, turn), (other_across, other_down, other_turn) = slopes
    return taps.steepness(
        across - other_across, (down - other_down) + taps.tx * (turn - other_turn)
    )


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
    is_transparent: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """The picture, uint8 (H, W, 3), on what is behind, and its coverage (H, W); see the kernel.

    Anti-aliasing by the distance to a field's zero line: its value by its gradient per pixel.
    """
    per_pixel, reach = ONE / taps.sx, outline / taps.sx
    distance = per_pixel * taps.patch(edge)[0]
    cover = _clamp(HALF + distance + reach)
    colour = _flat_colour(taps, fields, labels, colours)
    held = taps.patch(soft * (ONE / np.float32(255)))[0][..., None]
    tone = np.stack([taps.patch(tones[..., c])[0] for c in range(3)], axis=-1)
    colour = colour + held * (tone - colour)
    level, across, down = taps.patch(ink)
    black = _clamp(HALF + level / taps.steepness(across, down))
    black = np.where(np.maximum.reduce(taps.corners(ink)) > 0, black, np.float32(0))
    if outline > 0:
        black = np.maximum(black, _clamp(HALF + reach - distance))
    value = colour + black[..., None] * (ink_colour.astype(np.float32) - colour)
    part = cover[..., None]
    below = behind.astype(np.float32)
    if not is_transparent:
        value = np.where(part < 1, below + part * (value - below), value)
    drawn = np.where(part > 0, (value + HALF).astype(np.uint8), behind)
    return drawn, (cover * np.float32(255) + HALF).astype(np.uint8)
