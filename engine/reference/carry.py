"""A picture mixed with the frame before, along the motion."""

from __future__ import annotations

import numpy as np


def carry(
    new: np.ndarray,
    old: np.ndarray,
    motion: np.ndarray,
    rows: tuple[np.ndarray, np.ndarray],
    columns: tuple[np.ndarray, np.ndarray],
    places: tuple[np.ndarray, np.ndarray],
    gain: np.ndarray,
    per_unit: np.ndarray,
    most: np.float32,
    least: np.float32,
    calm: np.float32,
) -> np.ndarray:
    """Each pixel of `new`, float32 (h, w, C), mixed with where it was in `old`; see the kernel.

    `rows` and `columns` give, for each pixel, the cell of `motion` and the share of the next one;
    `places` is where pixels that do not move lie in `old`, x and y.
    """
    one = np.float32(1)
    dx, dy, trust = np.moveaxis(_between(motion, *rows, *columns), 2, 0)
    x, y = places[0] + dx, places[1][:, None] + dy
    inside = (x >= 0) & (y >= 0) & (x <= old.shape[1] - 1) & (y <= old.shape[0] - 1)
    x, y = np.where(inside, x, np.float32(0)), np.where(inside, y, np.float32(0))
    was = gain * _sample(old, x, y)
    difference = np.zeros(new.shape[:2], np.float32)
    for c in range(new.shape[2]):
        d = (was[..., c] - new[..., c]) * per_unit[c]
        difference = difference + d * d
    rests = (x == np.floor(x)) & (y == np.floor(y))
    difference = np.where(rests, difference * calm, difference)
    mixed = inside & (new[..., -1] > least) & (difference < one)
    weight = np.where(mixed, most * trust * (one - difference), np.float32(0))[..., None]
    return np.where(mixed[..., None], new + weight * (was - new), new)


def _between(
    maps: np.ndarray,
    rows: np.ndarray,
    row_share: np.ndarray,
    columns: np.ndarray,
    column_share: np.ndarray,
) -> np.ndarray:
    """Bilinear, down before across."""
    after = np.minimum(rows + 1, maps.shape[0] - 1)
    lines = maps[rows] + row_share[:, None, None] * (maps[after] - maps[rows])
    after = np.minimum(columns + 1, maps.shape[1] - 1)
    return lines[:, columns] + column_share[:, None] * (lines[:, after] - lines[:, columns])


def _sample(picture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bilinear, across before down."""
    left, above = x.astype(np.int64), y.astype(np.int64)
    right = np.minimum(left + 1, picture.shape[1] - 1)
    below = np.minimum(above + 1, picture.shape[0] - 1)
    fx, fy = (x - left.astype(np.float32))[..., None], (y - above.astype(np.float32))[..., None]
    a = picture[above, left] + fx * (picture[above, right] - picture[above, left])
    b = picture[below, left] + fx * (picture[below, right] - picture[below, left])
    return a + fy * (b - a)
