"""Real photos for calibration and figures, with masks where there are some."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from engine.errors import OptionError
from engine.files.photos import SUFFIXES, read_photo
from engine.segment.preprocess import network_size, resize, to_tensor
from engine.weights import ModelFacts

PERSON, VOID = 15, 255
SEED = 0


@dataclass(frozen=True)
class Sample:
    """A photo and, if there is one, its mask."""

    photo: Path
    mask: Path | None = None

    def tensor(self, facts: ModelFacts) -> np.ndarray:
        """The network's input, float32 (1, 3, h, w)."""
        photo = read_photo(self.photo)
        height, width = photo.shape[:2]
        return to_tensor(resize(photo, network_size(height, width, facts.input)), facts)

    def labels(self) -> np.ndarray | None:
        """VOC class indices, uint8 (H, W), 255 where it is not known; None without a mask."""
        return np.asarray(Image.open(self.mask)) if self.mask else None


def find_samples(folder: Path, split: str, most: int) -> list[Sample]:
    """At most `most` samples of "train" or "val", a seeded choice.

    A folder with an index.csv (name, split) has photos/NAME.jpg and masks/NAME.png; of any other
    folder of photos every fifth is "val", the others "train".

    Raises OptionError where there are none.
    """
    index = folder / "index.csv"
    if index.is_file():
        with index.open(newline="") as file:
            names = [row["name"] for row in csv.DictReader(file) if row["split"] == split]
        samples = [
            Sample(folder / "photos" / f"{name}.jpg", folder / "masks" / f"{name}.png")
            for name in names
        ]
    else:
        photos = sorted(p for p in folder.glob("*") if p.suffix.lower() in SUFFIXES)
        samples = [Sample(p) for i, p in enumerate(photos) if (i % 5 == 4) == (split == "val")]
    if not samples:
        raise OptionError(f"{folder}: no {split} photos; expected at least five photos in it.")
    order = np.random.default_rng(SEED).permutation(len(samples))[:most]
    return [samples[i] for i in order]


def read_tensors(samples: Sequence[Sample], facts: ModelFacts) -> list[np.ndarray]:
    """The inputs of all samples. Raises PhotoError for one that cannot be read."""
    return [sample.tensor(facts) for sample in samples]
