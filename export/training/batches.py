"""Training batches: photos with masks, augmented; each batch a function of its seed and number."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from engine.errors import OptionError, PhotoError
from engine.files.photos import read_photo
from export.photos import PERSON, VOID

CLASSES = 21
SIDES = (257, 353, 449)
PIXELS_PER_BATCH = 810_000
SCENE_SHARE = 0.45
"""Share of photos with all classes labelled: scenes, many without people."""
EDGE_PIXELS = 4
LARGEST_ENLARGEMENT = 3.0
MOSAIC_SHARE, PASTE_SHARE = 0.2, 0.3


@dataclass(frozen=True)
class Entry:
    """A photo with its mask, as listed in index.csv."""

    name: str
    photo: Path
    mask: Path
    source: str
    fully_labelled: bool
    """All 21 classes are labelled; else only person against the rest, and 0 is anything else."""
    void: Path | None = None
    """A mask of what is to be ignored besides."""

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """The photo, uint8 (H, W, 3) RGB, and its classes, uint8 (H, W), 255 where unknown."""
        photo, mask = read_photo(self.photo), read_mask(self.mask)
        if mask.shape != photo.shape[:2] or (mask[mask >= CLASSES] != VOID).any():
            raise PhotoError(f"{self.mask}: wanted classes 0 to 20 or 255, at the photo's size.")
        if self.void:
            mask[read_mask(self.void) > 0] = VOID
        return photo, mask


@dataclass(frozen=True)
class Batch:
    """Arrays of one training step."""

    photos: np.ndarray
    """uint8 (N, side, side, 3) RGB."""
    classes: np.ndarray
    """uint8 (N, side, side), 255 where unknown."""
    person: np.ndarray
    """uint8 (N, side, side): share of person, its edge interpolated."""
    near_edge: np.ndarray
    """bool (N, side, side): within EDGE_PIXELS of a person's edge."""
    fully_labelled: np.ndarray
    """bool (N,)."""


def read_index(folder: Path, split: str) -> list[Entry]:
    """The entries of "train" or "val" in FOLDER/index.csv.

    The index has columns name, source, split and labels ("all" or "person"); photos/NAME.jpg and
    masks/NAME.png lie beside it.

    Raises OptionError for a missing or empty index.
    """
    path = folder / "index.csv"
    if not path.is_file():
        raise OptionError(f"{path}: no such file, wanted columns name, source, split, labels.")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"name", "source", "split", "labels"} <= rows[0].keys():
        raise OptionError(f"{path}: wanted columns name, source, split, labels, and rows.")
    for row in rows:
        if row["labels"] not in ("all", "person") or row["source"] == "all":
            raise OptionError(f"{path}: {row['name']}: labels are all or person, no source is all.")
    entries = [
        Entry(
            row["name"],
            folder / "photos" / f"{row['name']}.jpg",
            folder / "masks" / f"{row['name']}.png",
            row["source"],
            row["labels"] == "all",
        )
        for row in rows
        if row["split"] == split
    ]
    if not entries:
        raise OptionError(f"{path}: no {split} photos.")
    return entries


def read_mask(path: Path) -> np.ndarray:
    """One byte a pixel, uint8 (H, W), grey or by palette. Raises PhotoError for anything else."""
    try:
        with Image.open(path) as image:
            if image.mode not in ("L", "P"):
                raise PhotoError(f"{path}: mode {image.mode}, wanted one byte a pixel.")
            return np.array(image)
    except OSError as error:
        raise PhotoError(f"{path}: no mask that can be read: {error}") from error


class Batches:
    """Batch number i, always the same for a seed, so that training resumes where it stopped."""

    def __init__(self, entries: list[Entry], seed: int) -> None:
        self.seed, self.sides, self.pixels = seed, SIDES, PIXELS_PER_BATCH
        self.scenes = [e for e in entries if e.fully_labelled] or entries
        self.people = [e for e in entries if not e.fully_labelled] or entries

    def __len__(self) -> int:
        return 1 << 31

    def __getitem__(self, number: int) -> Batch:
        rng = np.random.default_rng((self.seed, number))
        side = int(rng.choice(self.sides))
        examples = [self._example(rng, side) for _ in range(max(1, self.pixels // side**2))]
        photos, masks, full = zip(*examples, strict=True)
        classes = np.stack(masks)
        person = np.where(classes == PERSON, np.uint8(255), np.uint8(0))
        around = np.ones((2 * EDGE_PIXELS + 1,) * 2, np.uint8)
        edges = [cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, around) > 0 for mask in person]
        for mask in person:
            cv2.GaussianBlur(mask, (3, 3), 0, dst=mask)  # enlarged masks have steps
        return Batch(np.stack(photos), classes, person, np.stack(edges), np.array(full))

    def _example(self, rng: np.random.Generator, side: int) -> tuple[np.ndarray, np.ndarray, bool]:
        if rng.random() < MOSAIC_SHARE:
            photo, mask, full = self._mosaic(rng, side)
        else:
            photo, mask, full = self._single(rng, side)
        if rng.random() < 0.5:
            photo, mask = photo[:, ::-1], mask[:, ::-1]
        return recolour(np.ascontiguousarray(photo), rng), np.ascontiguousarray(mask), full

    def _single(self, rng: np.random.Generator, side: int) -> tuple[np.ndarray, np.ndarray, bool]:
        entry = self._pick(rng)
        photo, mask = entry.read()
        if rng.random() < PASTE_SHARE:
            if not entry.fully_labelled:
                entry = self.scenes[rng.integers(len(self.scenes))]
                photo, mask = entry.read()
            photo, mask = photo.copy(), mask.copy()
            for _ in range(rng.integers(1, 4)):
                paste_person(photo, mask, *self.people[rng.integers(len(self.people))].read(), rng)
        return *warp(photo, mask, side, rng), entry.fully_labelled

    def _mosaic(self, rng: np.random.Generator, side: int) -> tuple[np.ndarray, np.ndarray, bool]:
        """Four photos: small people, and several in view."""
        photo = np.empty((side, side, 3), np.uint8)
        mask = np.empty((side, side), np.uint8)
        row, column = (int(side * rng.uniform(0.35, 0.65)) for _ in range(2))
        full = True
        for rows in (slice(0, row), slice(row, side)):
            for columns in (slice(0, column), slice(column, side)):
                entry = self._pick(rng)
                h, w = rows.stop - rows.start, columns.stop - columns.start
                part, labels = warp(*entry.read(), max(h, w), rng)
                photo[rows, columns], mask[rows, columns] = part[:h, :w], labels[:h, :w]
                full &= entry.fully_labelled
        return photo, mask, full

    def _pick(self, rng: np.random.Generator) -> Entry:
        entries = self.scenes if rng.random() < SCENE_SHARE else self.people
        return entries[rng.integers(len(entries))]


def warp(
    photo: np.ndarray, mask: np.ndarray, side: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A random view, (side, side): scaled, stretched, rotated, shifted; mirrored at the borders."""
    height, width = mask.shape
    scale = side / min(height, width) * np.exp(rng.uniform(np.log(0.8), np.log(1.8)))
    while scale < 0.7 and min(width, height) > 1:  # antialiased
        half = (width // 2, height // 2)
        photo = cv2.resize(photo, half, interpolation=cv2.INTER_AREA)
        mask = cv2.resize(mask, half, interpolation=cv2.INTER_NEAREST)
        height, width = mask.shape
        scale *= 2
    stretch = np.exp(rng.uniform(-0.15, 0.15))
    angle = np.deg2rad(rng.normal(0, 8))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.diag([scale * stretch, scale / stretch])
    # The view's centre: anywhere such that the view stays on the photo, if it is large enough.
    size = np.array([width, height])
    room = np.maximum(size - side / (scale * np.array([stretch, 1 / stretch])), 0)
    centre = size / 2 + room * rng.uniform(-0.5, 0.5, 2)
    shift = side / 2 - matrix @ centre
    affine = np.column_stack([matrix, shift])
    mirrored = cv2.BORDER_REFLECT_101
    view = cv2.warpAffine(photo, affine, (side, side), flags=cv2.INTER_LINEAR, borderMode=mirrored)
    labels = cv2.warpAffine(
        mask, affine, (side, side), flags=cv2.INTER_NEAREST, borderMode=mirrored
    )
    return view, labels


def paste_person(
    photo: np.ndarray,
    mask: np.ndarray,
    donor: np.ndarray,
    donor_mask: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Lays the person of another photo on `photo` and `mask`, in place."""
    rows, columns = np.nonzero(donor_mask == PERSON)
    if len(rows) == 0:
        return
    box = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
    height, width = mask.shape
    tall = height * rng.uniform(0.2, 0.95)
    scale = tall / (box[0].stop - box[0].start)
    if scale > LARGEST_ENLARGEMENT:
        return
    size = (max(4, round((box[1].stop - box[1].start) * scale)), max(4, round(tall)))
    person = cv2.resize(donor[box], size, interpolation=cv2.INTER_AREA)
    share = (donor_mask[box] == PERSON).astype(np.float32)
    share = cv2.GaussianBlur(cv2.resize(share, size, interpolation=cv2.INTER_AREA), (3, 3), 0)
    person = person * rng.uniform(0.7, 1.2)
    # Cut off below in its own photo: stands on the lower border here.
    cut_below = box[0].stop >= len(donor_mask) - 2
    top = height - size[1] if cut_below else rng.integers(0, max(1, height - size[1] + 1))
    left = rng.integers(-size[0] // 3, max(1, width - size[0] * 2 // 3))
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(height, top + size[1]), min(width, left + size[0])
    if y1 <= y0 or x1 <= x0:
        return
    part = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    alpha = share[part][..., None]
    target = photo[y0:y1, x0:x1]
    target[:] = np.clip(alpha * person[part] + (1 - alpha) * target, 0, 255).astype(np.uint8)
    mask[y0:y1, x0:x1][share[part] > 0.5] = PERSON


def recolour(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Other light, colours, sharpness, noise and compression; uint8 (H, W, 3)."""
    if rng.random() < 0.8:
        levels = np.arange(256) / 255
        tables = []
        gamma, gain = np.exp(rng.normal(0, 0.2)), np.exp(rng.normal(0, 0.15))
        for _ in range(3):
            curve = gain * np.exp(rng.normal(0, 0.05)) * levels**gamma + rng.normal(0, 0.03)
            tables.append(np.clip(255 * curve, 0, 255).astype(np.uint8))
        photo = cv2.LUT(photo, np.stack(tables, axis=-1)[None])
    if rng.random() < 0.5:
        grey = cv2.cvtColor(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        amount = 0.0 if rng.random() < 0.1 else rng.uniform(0.4, 1.5)
        photo = cv2.addWeighted(photo, amount, grey, 1 - amount, 0)
    if rng.random() < 0.15:
        photo = cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.4, 1.6))
    if rng.random() < 0.15:
        noise = np.empty(photo.shape, np.int16)
        cv2.setRNGSeed(int(rng.integers(1 << 31)))
        cv2.randn(noise, (0, 0, 0), (rng.uniform(2, 12),) * 3)
        photo = cv2.add(photo, noise, dtype=cv2.CV_8U)
    if rng.random() < 0.2:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))]
        photo = cv2.imdecode(cv2.imencode(".jpg", photo, quality)[1], cv2.IMREAD_COLOR)
    return photo
