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
from export.training.pasting import View, hang_behind, paste_person

CLASSES = 21
NOT_PERSON = 254
"""In training masks: nobody is here, but the class is not known."""
SIDES = (353, 449, 513)
PIXELS_PER_BATCH = 810_000
SCENE_SHARE = 0.45
"""Share of photos with all classes labelled: scenes, many without people."""
EDGE_PIXELS = 4
MATTE_REACH = 0.02
"""Share of the shorter side on both sides of a label's border in which the matte decides."""
MOSAIC_SHARE, PASTE_SHARE, CRISP_SHARE, BACKDROP_SHARE = 0.35, 0.3, 0.6, 0.25


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
    matte: Path | None = None
    """The person's alpha, where somebody has made one."""

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """The photo, uint8 (H, W, 3) RGB, and its classes, uint8 (H, W), 255 where unknown."""
        photo, mask = read_photo(self.photo), read_mask(self.mask)
        if mask.shape != photo.shape[:2] or (mask[mask >= CLASSES] != VOID).any():
            raise PhotoError(f"{self.mask}: expected classes 0 to 20 or 255, at the photo's size.")
        if self.void:
            mask[read_mask(self.void) > 0] = VOID
        return photo, mask

    def read_soft(self) -> View:
        """The same with the person's alpha, which the matte decides near the label's border."""
        photo, mask = self.read()
        alpha = np.where(mask == PERSON, np.uint8(255), np.uint8(0))
        if self.matte:
            matte = read_mask(self.matte)
            if matte.shape != mask.shape:
                raise PhotoError(f"{self.matte}: expected the photo's size, {mask.shape}.")
            near = near_border(alpha, round(MATTE_REACH * min(mask.shape)))
            if self.void:
                near &= read_mask(self.void) == 0
            alpha[near] = matte[near]
            inside = alpha > 127
            mask[near & inside] = PERSON
            mask[near & ~inside & ((mask == PERSON) | (mask == VOID))] = NOT_PERSON
        return photo, mask, alpha


@dataclass(frozen=True)
class Batch:
    """Arrays of one training step."""

    photos: np.ndarray
    """uint8 (N, side, side, 3) RGB."""
    classes: np.ndarray
    """uint8 (N, side, side), 254 where it is unknown but no person, 255 where it is unknown."""
    person: np.ndarray
    """uint8 (N, side, side): the person's alpha."""
    near_edge: np.ndarray
    """bool (N, side, side): within EDGE_PIXELS of a person's edge, or where alpha is in between."""
    fully_labelled: np.ndarray
    """bool (N,)."""


def read_index(folder: Path, split: str) -> list[Entry]:
    """The entries of "train" or "val" in FOLDER/index.csv.

    The index has columns name, source, split and labels ("all" or "person"); photos/NAME.jpg and
    masks/NAME.png lie beside it, and for some or none of them mattes/NAME.png, their alpha.

    Raises OptionError for a missing or empty index.
    """
    path = folder / "index.csv"
    if not path.is_file():
        raise OptionError(f"{path}: no such file, expected columns name, source, split, labels.")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"name", "source", "split", "labels"} <= rows[0].keys():
        raise OptionError(f"{path}: expected columns name, source, split, labels, and rows.")
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
            matte=matte if (matte := folder / "mattes" / f"{row['name']}.png").exists() else None,
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
                raise PhotoError(f"{path}: mode {image.mode}, expected one byte per pixel.")
            return np.array(image)
    except OSError as error:
        raise PhotoError(f"{path}: no mask that can be read: {error}") from error


class Batches:
    """Batch number i, always the same for a seed, so that training resumes where it stopped."""

    def __init__(self, entries: list[Entry], seed: int) -> None:
        self.seed, self.sides, self.pixels = seed, SIDES, PIXELS_PER_BATCH
        self.scenes = [e for e in entries if e.fully_labelled] or entries
        self.people = [e for e in entries if not e.fully_labelled] or entries
        self.donors = [e for e in self.people if e.matte] or self.people

    def __getitem__(self, number: int) -> Batch:
        rng = np.random.default_rng((self.seed, number))
        side = int(rng.choice(self.sides))
        views, full = zip(
            *(self._example(rng, side) for _ in range(max(1, self.pixels // side**2))), strict=True
        )
        photos, classes, person = (np.stack(maps) for maps in zip(*views, strict=True))
        edges = [
            near_border(np.where(mask == PERSON, np.uint8(255), np.uint8(0)), EDGE_PIXELS)
            for mask in classes
        ]
        soft = (person > 25) & (person < 230)
        return Batch(photos, classes, person, np.stack(edges) | soft, np.array(full))

    def _example(self, rng: np.random.Generator, side: int) -> tuple[View, bool]:
        make = self._mosaic if rng.random() < MOSAIC_SHARE else self._single
        (photo, mask, alpha), full = make(rng, side)
        if rng.random() < 0.5:
            photo, mask, alpha = photo[:, ::-1], mask[:, ::-1], alpha[:, ::-1]
        return (recolour(np.ascontiguousarray(photo), rng), mask, alpha), full

    def _single(self, rng: np.random.Generator, side: int) -> tuple[View, bool]:
        if rng.random() >= PASTE_SHARE:
            entry = self._pick(rng)
            return warp(_read(entry, rng), side, rng), entry.fully_labelled
        entry = self.scenes[rng.integers(len(self.scenes))]
        view = _read(entry, rng)
        for _ in range(rng.integers(1, 4)):
            view = paste_person(view, self.donors[rng.integers(len(self.donors))].read_soft(), rng)
        return warp(view, side, rng), entry.fully_labelled

    def _mosaic(self, rng: np.random.Generator, side: int) -> tuple[View, bool]:
        """Four photos: small people, and several in view."""
        view = tuple(np.empty((side, side, *last), np.uint8) for last in ((3,), (), ()))
        row, column = (int(side * rng.uniform(0.35, 0.65)) for _ in range(2))
        full = True
        for rows in (slice(0, row), slice(row, side)):
            for columns in (slice(0, column), slice(column, side)):
                entry = self._pick(rng)
                h, w = rows.stop - rows.start, columns.stop - columns.start
                part = warp(_read(entry, rng), max(h, w), rng)
                for whole, piece in zip(view, part, strict=True):
                    whole[rows, columns] = piece[:h, :w]
                full &= entry.fully_labelled
        return view, full

    def _pick(self, rng: np.random.Generator) -> Entry:
        entries = self.scenes if rng.random() < SCENE_SHARE else self.people
        return entries[rng.integers(len(entries))]


def _read(entry: Entry, rng: np.random.Generator) -> View:
    view = entry.read_soft()
    if entry.matte and rng.random() < BACKDROP_SHARE:
        return hang_behind(view, rng)
    return view


def warp(view: View, side: int, rng: np.random.Generator) -> View:
    """A random part, (side, side): scaled, stretched, rotated, shifted; mirrored at the borders."""
    photo, mask, alpha = view
    height, width = mask.shape
    scale = side / min(height, width) * np.exp(rng.uniform(np.log(0.8), np.log(1.8)))
    while scale < 0.7 and min(width, height) > 1:  # antialiased
        half = (width // 2, height // 2)
        photo = cv2.resize(photo, half, interpolation=cv2.INTER_AREA)
        mask = cv2.resize(mask, half, interpolation=cv2.INTER_NEAREST)
        alpha = cv2.resize(alpha, half, interpolation=cv2.INTER_AREA)
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
    affine = np.column_stack([matrix, side / 2 - matrix @ centre])

    def moved(picture: np.ndarray, how: int) -> np.ndarray:
        return cv2.warpAffine(
            picture, affine, (side, side), flags=how, borderMode=cv2.BORDER_REFLECT_101
        )

    is_crisp = scale > 1 and rng.random() < CRISP_SHARE
    view = moved(photo, cv2.INTER_LANCZOS4 if is_crisp else cv2.INTER_LINEAR)
    view = sharpen(view, 0.4 * scale, rng.uniform(0.3, 2.0)) if is_crisp else view
    return view, moved(mask, cv2.INTER_NEAREST), moved(alpha, cv2.INTER_LINEAR)


def sharpen(photo: np.ndarray, sigma: float, amount: float) -> np.ndarray:
    """An unsharp mask, uint8 (H, W, 3); softer where `amount` is negative.

    Photos with few pixels are enlarged for the network, and softer than what it will see.
    """
    soft = cv2.GaussianBlur(photo, (0, 0), sigma)
    return cv2.addWeighted(photo, 1 + amount, soft, -amount, 0)


def near_border(mask: np.ndarray, pixels: int) -> np.ndarray:
    """Where both 0 and 255 are within so many pixels, bool (H, W)."""
    around = np.ones((2 * pixels + 1,) * 2, np.uint8)
    return cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, around) > 0


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
    if rng.random() < 0.3:  # blurred, or sharpened as cameras do
        photo = sharpen(photo, rng.uniform(0.4, 1.6), rng.choice([-1.0, rng.uniform(0.3, 1.5)]))
    if rng.random() < 0.15:
        noise = np.empty(photo.shape, np.int16)
        cv2.setRNGSeed(int(rng.integers(1 << 31)))
        cv2.randn(noise, (0, 0, 0), (rng.uniform(2, 12),) * 3)
        photo = cv2.add(photo, noise, dtype=cv2.CV_8U)
    if rng.random() < 0.2:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))]
        photo = cv2.imdecode(cv2.imencode(".jpg", photo, quality)[1], cv2.IMREAD_COLOR)
    return photo
