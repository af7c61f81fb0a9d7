"""People whom the labels leave out, found by the network that training starts from.

Some sets label the one person a photo is about, and passers-by as background. Learning from that
teaches a network not to see small people; so what it already sees, apart from the labelled person,
becomes void.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from torch import nn

from engine.files.pictures import encode_image
from engine.files.writing import write_file
from export.photos import PERSON
from export.predict import find_person
from export.training.batches import Entry

SURE = 0.6
SMALLEST_SHARE = 0.001
APART, MARGIN = 4, 3
"""Pixels from the labelled person; pixels added around the one found."""


def mark_unlabelled(entries: list[Entry], network: nn.Module, folder: Path) -> list[Entry]:
    """The entries with their `void` masks, written to `folder` where they are not there yet."""
    marked = []
    for entry in entries:
        path = folder / f"{entry.name}.png"
        if not path.exists():
            photo, mask = entry.read()
            found = find_others(find_person(network, photo), mask == PERSON)
            mask = found.astype(np.uint8) * 255
            write_file(encode_image(mask, "png"), path, overwrite=True)
        marked.append(replace(entry, void=path))
    return marked


def find_others(probability: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """Where people are beside the labelled one; both (H, W), the result bool."""
    sure = (probability > SURE).astype(np.uint8)
    near = _grow(labelled.astype(np.uint8), APART) > 0
    others = np.zeros_like(sure)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(sure)
    for part in range(1, count):
        if stats[part, cv2.CC_STAT_AREA] > SMALLEST_SHARE * sure.size:
            inside = parts == part
            others[inside] = not near[inside].any()
    return (_grow(others, MARGIN) > 0) & ~labelled


def _grow(mask: np.ndarray, pixels: int) -> np.ndarray:
    return cv2.dilate(mask, np.ones((2 * pixels + 1,) * 2, np.uint8))
