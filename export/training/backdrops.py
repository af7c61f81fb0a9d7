"""Cloth behind people: flags, curtains, seats, in the colours of what the person wears.

What hangs beside a person is what a small network takes for a part of the person, and photos with
masks show little of it.
"""

from __future__ import annotations

import cv2
import numpy as np

FINER = 2
"""Cloth is drawn so many times finer than it is seen, for smooth borders."""
OWN_COLOUR_SHARE = 0.5


def hang_backdrop(
    photo: np.ndarray, alpha: np.ndarray, free: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The cloth, float32 (H, W, 3), and where it hangs, float32 (H, W) in 0..1.

    `photo` is uint8 (H, W, 3) RGB, `alpha` the person's, uint8 (H, W); the cloth leaves pixels
    alone which are not `free`, bool (H, W).
    """
    size = np.array(alpha.shape) * FINER
    rows, columns = np.mgrid[: size[0], : size[1]].astype(np.float32)
    place = _panel if rng.random() < 0.4 else _curtain
    where = place(columns, rows, _box(alpha) * FINER, rng)
    cloth = _drape(columns, rows, _colours(photo, alpha, rng), rng)
    small = alpha.shape[::-1]
    where = cv2.resize(where.astype(np.float32), small, interpolation=cv2.INTER_AREA)
    return cv2.resize(cloth, small, interpolation=cv2.INTER_AREA), where * free


def _box(alpha: np.ndarray) -> np.ndarray:
    """Left, top, right and bottom of the person; of the photo, where nobody is."""
    rows, columns = np.nonzero(alpha > 127)
    if len(rows) == 0:
        return np.array([0, 0, alpha.shape[1], alpha.shape[0]])
    return np.array([columns.min(), rows.min(), columns.max(), rows.max()])


def _curtain(
    columns: np.ndarray, rows: np.ndarray, box: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """From the left or right border of the photo to somewhere near the person, slanted, wavy."""
    height, width = rows.shape
    reach = rng.uniform(0.0, 0.6) * (box[2] - box[0])
    to_left = rng.random() < 0.5
    edge = box[0] + reach if to_left else box[2] - reach
    slope, sway = rng.normal(0, 0.25), rng.uniform(0, 0.04) * width
    wave = np.sin(rows * (rng.uniform(2, 20) / height) + rng.uniform(0, 6))
    border = edge + slope * (rows - rng.uniform(0, height)) + sway * wave
    return columns < border if to_left else columns > border


def _panel(
    columns: np.ndarray, rows: np.ndarray, box: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """A turned, rounded rectangle that the person's outline crosses: a seat, a banner, a bag."""
    centre = box[:2] + rng.uniform(0.0, 1.0, 2) * (box[2:] - box[:2])
    half = rng.uniform(0.15, 0.7, 2) * (box[2:] - box[:2]) + 1
    angle, power = rng.normal(0, 0.3), rng.choice([2.5, 4.0, 12.0])
    x, y = columns - centre[0], rows - centre[1]
    across = np.abs(np.cos(angle) * x + np.sin(angle) * y) / half[0]
    along = np.abs(np.cos(angle) * y - np.sin(angle) * x) / half[1]
    return np.minimum(across, 2) ** power + np.minimum(along, 2) ** power < 1


def _colours(photo: np.ndarray, alpha: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Two to four colours, float32 (N, 3): the person's own, or any."""
    count = rng.integers(2, 5)
    colours = rng.uniform(0, 255, (count, 3))
    colours[rng.random(count) < 0.25] = rng.choice([15, 240])
    own = photo[alpha > 200]
    if len(own):
        chosen = own[rng.integers(len(own), size=count)]
        colours = np.where(rng.random((count, 1)) < OWN_COLOUR_SHARE, chosen, colours)
    return colours.astype(np.float32)


def _drape(
    columns: np.ndarray, rows: np.ndarray, colours: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Stripes, checks, spots or one colour, with folds that bend and shade them; float32."""
    side = min(rows.shape)
    folds = np.zeros_like(rows)
    for _ in range(3):
        turn, waves = rng.normal(0, 0.4), rng.uniform(1, 14) / side
        folds += rng.uniform(0, 1) * np.sin(
            2 * np.pi * waves * (np.cos(turn) * columns + np.sin(turn) * rows) + rng.uniform(0, 6)
        )
    angle, period = rng.uniform(0, np.pi), side * np.exp(rng.uniform(np.log(0.02), np.log(0.25)))
    bend = rng.uniform(0, 0.1) ** 2 * 5 * side * folds
    across = (np.cos(angle) * columns + np.sin(angle) * rows + bend) / period
    along = (np.cos(angle) * rows - np.sin(angle) * columns + bend) / period
    shade = 1 + rng.uniform(0.0, 0.35) * folds
    return colours[_pattern(across, along, len(colours), rng)] * shade[..., None]


def _pattern(
    across: np.ndarray, along: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    """The number of the colour at each pixel; coordinates are in periods."""
    kind = rng.choice(["stripes", "checks", "spots", "plain"], p=[0.45, 0.1, 0.1, 0.35])
    if kind == "stripes":
        return np.floor(across).astype(int) % count
    if kind == "checks":
        return (np.floor(across) + np.floor(along)).astype(int) % count
    if kind == "spots":
        return ((across % 1 - 0.5) ** 2 + (along % 1 - 0.5) ** 2 < 0.1).astype(int)
    return np.zeros(across.shape, int)
