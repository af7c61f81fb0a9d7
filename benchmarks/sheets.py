"""Contact sheets: a row per photo and a column per picture, labelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from engine.files.pictures import encode_image
from engine.files.writing import write_file

WIDTH = 400
"""Pixels of a column."""
HEIGHT = 500
"""Pixels of the tallest row."""
GAP = 4
LABEL = 22
MOST_FACES = 6
"""Of a photo, on a sheet of faces."""
LEAST_PERSON = 0.005
"""Share of the photo; smaller people have no row of their own."""
PAPER, GREY = 255, 235
"""Between the pictures, and where a picture does not fill its cell."""


@dataclass
class Sheets:
    """Sheets of one kind, each written when it is full: KIND_01.png, KIND_02.png, ..."""

    folder: Path
    kind: str
    most_rows: int
    count: int = 0
    """How many are written."""
    _rows: list[NDArray[np.uint8]] = field(default_factory=list)

    def add(self, row: NDArray[np.uint8]) -> None:
        """Below those that are there, which are as wide."""
        self._rows.append(row)
        if len(self._rows) == self.most_rows:
            self.flush()

    def flush(self) -> None:
        """Writes the rows that have not filled a sheet."""
        if self._rows:
            self.count += 1
            path = self.folder / f"{self.kind}_{self.count:02}.png"
            write_file(encode_image(np.vstack(self._rows), "png"), path, overwrite=True)
            self._rows.clear()


def make_row(title: str, pictures: Mapping[str, NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Pictures, uint8 (H, W, 3), side by side under their names, the first one under the title too.

    The first one's shape is that of the cells. An empty title is left out.
    """
    height, width = next(iter(pictures.values())).shape[:2]
    size = (WIDTH, min(HEIGHT, max(LABEL, round(WIDTH * height / width))))
    names = list(pictures)
    if title:
        names[0] = f"{title}: {names[0]}"
    return np.hstack(
        [
            _add_label(name, _fit(picture, size))
            for name, picture in zip(names, pictures.values(), strict=True)
        ]
    )


def make_face_rows(
    title: str, pictures: Mapping[str, NDArray[np.uint8]], alpha: NDArray[np.float32]
) -> list[NDArray[np.uint8]]:
    """A row for the upper part of each person, where the face is, enlarged."""
    rows = []
    for left, top, right, bottom in find_heads(alpha):
        crops = {name: p[top:bottom, left:right] for name, p in pictures.items()}
        rows.append(make_row(f"{title} {right - left} x {bottom - top}", crops))
    return rows


def find_heads(alpha: NDArray[np.float32]) -> list[tuple[int, int, int, int]]:
    """Left, top, right and bottom of the upper part of each person, the largest person first.

    People who touch are taken for one whose box is too wide, and are told apart by its width.
    """
    person = (alpha > 0.5).astype(np.uint8)
    boxes = cv2.connectedComponentsWithStats(person)[2][1:].tolist()
    heads = []
    for left, top, width, height, area in sorted(boxes, key=lambda box: -box[4]):
        if area >= LEAST_PERSON * alpha.size:
            people = min(max(1, round(width / (0.75 * height))), MOST_FACES, width)
            edges = np.linspace(left, left + width, people + 1).astype(int).tolist()
            for a, b in pairwise(edges):
                heads.append(_find_head(person, a, b, top, top + height))
    return heads[:MOST_FACES]


def _find_head(
    person: NDArray[np.uint8], left: int, right: int, top: int, bottom: int
) -> tuple[int, int, int, int]:
    """The upper third; more of somebody who is not seen from head to toe, with a margin."""
    inside = person[top:bottom, left:right]
    first = int(inside.any(axis=1).argmax())
    height = inside.shape[0] - first
    height = max(1, round(max(height / 3, min(0.8 * (right - left), 0.65 * height))))
    columns = np.flatnonzero(inside[first : first + height].any(axis=0))
    left, right = left + int(columns[0]), left + int(columns[-1]) + 1
    margin = round(0.06 * max(height, right - left))
    rows, width = person.shape
    return (
        max(0, left - margin), max(0, top + first - margin),
        min(width, right + margin), min(rows, top + first + height + margin),
    )  # fmt: skip


def _fit(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """In the middle of a cell of (width, height), as large as fits."""
    factor = min(size[0] / picture.shape[1], size[1] / picture.shape[0])
    width, height = (max(1, round(side * factor)) for side in picture.shape[1::-1])
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    cell = np.full((size[1], size[0], 3), GREY, np.uint8)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    cell[top : top + height, left : left + width] = cv2.resize(
        picture, (width, height), interpolation=how
    )
    return cell


def _add_label(text: str, cell: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Above the cell, cut where it is too long."""
    label = Image.new("RGB", (cell.shape[1], LABEL), (PAPER,) * 3)
    font = ImageFont.load_default(LABEL * 0.7)
    ImageDraw.Draw(label).text((GAP, LABEL / 2), text, (0, 0, 0), font, anchor="lm")
    whole = np.vstack([np.asarray(label), cell])
    return np.pad(whole, ((0, GAP), (0, GAP), (0, 0)), constant_values=PAPER)
