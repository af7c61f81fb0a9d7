"""Training data of the refiner: crops at borders, with what the network found in each photo.

Made once and kept, for the network takes most of the time. Shard i is a function of the seed, i
and the model.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from export.photos import VOID
from export.training.batches import Entry, View, recolour
from export.training.compose import Composer

SIDE, STEP = 257, 4
"""Of a crop, in pixels of the network's photo, and how many of them a coarse cell is."""
CROPS_PER_PHOTO, PHOTOS_PER_SHARD = 3, 64
COMPOSED_SHARE, REFLECTED_SHARE = 0.5, 0.4
CANVAS_SIDES = (288, 2000)
"""Of composed photos: from those that are enlarged for the network, to ones as sharp as can be."""
DISTURBED_SHARE = 0.5
LARGEST_SHIFT, WAVES = 1.0, 6
"""Of a disturbed border: standard deviation in cells, at most, and knots along a crop's side."""

Look = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From a photo to what the network saw, uint8 (h, w, 3), and found, float32 (h', w') in 0..1."""


@dataclass(frozen=True)
class Crops:
    """A number of crops."""

    photo: np.ndarray
    """uint8 (N, SIDE, SIDE, 3) RGB."""
    coarse: np.ndarray
    """float16 (N, cells, cells): the probability at every fourth pixel."""
    alpha: np.ndarray
    """uint8 (N, SIDE, SIDE)."""
    known: np.ndarray
    """bool (N, SIDE, SIDE): where alpha is known."""

    def __getitem__(self, which: np.ndarray) -> Crops:
        return Crops(self.photo[which], self.coarse[which], self.alpha[which], self.known[which])

    def save(self, path: Path) -> None:
        """Writes the file as a whole."""
        part = path.with_suffix(".part.npz")
        np.savez(part, **vars(self))
        os.replace(part, path)

    @classmethod
    def load(cls, path: Path) -> Crops:
        """The crops of a file."""
        with np.load(path) as arrays:
            return cls(**arrays)


class CropMaker:
    """Shards of crops from photos of people, as they are and composed.

    `pasted_only` are the sources that label only the person a photo is about: these are not shown
    as they are. Raises OptionError without scenes and mattes.
    """

    def __init__(
        self, entries: list[Entry], look: Look, seed: int, pasted_only: list[str] | None = None
    ) -> None:
        self.composer, self.look, self.seed = Composer(entries), look, seed
        self.real = [entry for entry in entries if entry.source not in (pasted_only or [])]

    def make(self, shard: int) -> Crops:
        """The crops of PHOTOS_PER_SHARD photos."""
        crops = []
        for number in range(PHOTOS_PER_SHARD):
            rng = np.random.default_rng((self.seed, shard, number))
            crops += self._cut(self._view(rng), rng)
        return Crops(*(np.stack(maps) for maps in zip(*crops, strict=True)))

    def _view(self, rng: np.random.Generator) -> View:
        if rng.random() < COMPOSED_SHARE:
            view = self.composer.compose(_pick_side(rng), rng)
        else:
            view = self.real[rng.integers(len(self.real))].read_soft()
        if rng.random() < REFLECTED_SHARE:  # smaller people, and sharper for the network
            view = _reflect(view, rng)
        if rng.random() < 0.5:
            photo, mask, alpha = view
            view = photo[:, ::-1], mask[:, ::-1], alpha[:, ::-1]
        return recolour(np.ascontiguousarray(view[0]), rng), *view[1:]

    def _cut(self, view: View, rng: np.random.Generator) -> list[tuple[np.ndarray, ...]]:
        """Crops around pixels where the truth or the network is between two."""
        small, found = self.look(view[0])
        height, width = small.shape[:2]
        alpha = resize_alpha(view[2], (height, width))
        known = cv2.resize(view[1], (width, height), interpolation=cv2.INTER_NEAREST) != VOID
        coarse = to_cells(found, height, width)
        truth = alpha[::STEP, ::STEP] / np.float32(255)
        rows, columns = np.nonzero(np.minimum(coarse, 1 - coarse) + np.abs(coarse - truth) > 0.1)
        cells = SIDE // STEP
        crops = []
        for _ in range(CROPS_PER_PHOTO):
            middle = np.array(coarse.shape) * rng.random(2)
            if len(rows):
                pick = rng.integers(len(rows))
                middle = np.array([rows[pick], columns[pick]])
            corner = middle + rng.integers(-cells // 3, cells // 3, 2) - cells // 2
            top, left = np.clip(corner.astype(int), 0, np.array(coarse.shape) - cells - 1)
            low = (slice(top, top + cells + 1), slice(left, left + cells + 1))
            top, left = STEP * top, STEP * left
            high = (slice(top, top + SIDE), slice(left, left + SIDE))
            crops.append((small[high], coarse[low].astype(np.float16), alpha[high], known[high]))
        return crops


def disturb(coarse: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Some of the coarse probabilities, float16 (N, cells, cells), with borders moved a little.

    The network knows the photos that it was trained on; in others its borders are further off.
    """
    disturbed = coarse.astype(np.float32)
    rows, columns = np.indices(coarse.shape[1:], np.float32)
    for number in np.flatnonzero(rng.random(len(coarse)) < DISTURBED_SHARE):
        deviation = rng.uniform(0, LARGEST_SHIFT)
        down, right = (
            cv2.resize(
                rng.normal(0, deviation, (WAVES, WAVES)).astype(np.float32),
                coarse.shape[:0:-1],
                interpolation=cv2.INTER_CUBIC,
            )
            for _ in range(2)
        )
        disturbed[number] = cv2.remap(
            disturbed[number], columns + right, rows + down, cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
    return disturbed.astype(np.float16)


def to_cells(found: np.ndarray, height: int, width: int) -> np.ndarray:
    """The probability at every fourth pixel of the network's photo, float32 (h4, w4)."""
    size = ((width - 1) // STEP + 1, (height - 1) // STEP + 1)
    if found.shape == size[::-1]:
        return found
    return cv2.resize(found, size, interpolation=cv2.INTER_LINEAR)


def resize_alpha(alpha: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Alpha, uint8, at another (h, w), resized as photos are."""
    image = Image.fromarray(np.ascontiguousarray(alpha))
    return np.array(image.resize(size[::-1], Image.Resampling.BILINEAR))


def _pick_side(rng: np.random.Generator) -> int:
    """Each doubling of the size as often as the one before."""
    return round(np.exp(rng.uniform(*np.log(CANVAS_SIDES))))


def _reflect(view: View, rng: np.random.Generator) -> View:
    """A window of the view that is up to twice its size, mirrored beyond its borders."""
    height, width = view[1].shape
    factor = rng.uniform(1.2, 2.0)
    rows = rng.integers(0, height) + np.arange(round(factor * height))
    columns = rng.integers(0, width) + np.arange(round(factor * width))
    rows, columns = _fold(rows, height), _fold(columns, width)
    photo, mask, alpha = (picture[rows][:, columns] for picture in view)
    return photo, mask, alpha


def _fold(positions: np.ndarray, size: int) -> np.ndarray:
    positions = positions % (2 * size)
    return np.minimum(positions, 2 * size - 1 - positions)
