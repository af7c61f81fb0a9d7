"""The photos that a model cuts out worst, as pictures to look at."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

import cv2
import numpy as np

from engine.files.pictures import encode_image
from engine.files.writing import write_file
from export.overlap import Overlap
from export.photos import PERSON, VOID
from export.training.batches import Entry

PAPER, UNKNOWN = 255, 128
MISSED, LEFT_OVER = (230, 97, 1), (32, 96, 255)
"""RGB of what should have been kept, and of what should not."""
PAINT = 0.7
"""Share of these colours; the rest is the photo in grey."""


@dataclass
class Worst:
    """At most `count` photos, those with the lowest IoU."""

    count: int
    _found: list[tuple[float, Entry, np.ndarray]] = field(default_factory=list)

    def add(self, entry: Entry, found: np.ndarray, truth: np.ndarray) -> None:
        """Considers a photo: the mask, bool (H, W), and the true classes, uint8 (H, W).

        One in which nobody is and nobody was found is right, and left out.
        """
        overlap = Overlap()
        overlap.add(found, truth)
        if overlap.iou < 1:
            self._found.append((overlap.iou, entry, found))
            self._found.sort(key=itemgetter(0))
            del self._found[self.count :]

    def write(self, folder: Path) -> None:
        """Writes FOLDER/RANK_SOURCE_NAME.png for each, 01 being the worst.

        Raises OutputError when a file cannot be written; those that exist are replaced.
        """
        for rank, (_, entry, found) in enumerate(self._found, 1):
            # Both names come from a file, and might lead out of the folder.
            name = re.sub(r"[^\w-]+", "_", f"{rank:02}_{entry.source}_{entry.name}")
            picture = draw_errors(*entry.read(), found)
            write_file(encode_image(picture, "png"), folder / f"{name}.png", overwrite=True)


def draw_errors(photo: np.ndarray, truth: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Photo, truth, what was found, and the errors in colours, side by side: uint8 (H, 4 W, 3).

    `photo` is uint8 (H, W, 3), `truth` the classes, uint8 (H, W), and `found` bool (H, W). What is
    unknown is grey in the second and counts as right in the last.
    """
    person, known = truth == PERSON, truth != VOID
    right = np.where(person[..., None], photo, np.uint8(PAPER))
    right[~known] = UNKNOWN
    cut = np.where(found[..., None], photo, np.uint8(PAPER))
    errors = cv2.cvtColor(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    for wrong, colour in ((person & ~found, MISSED), (found & ~person & known, LEFT_OVER)):
        painted = PAINT * np.array(colour) + (1 - PAINT) * errors[wrong]
        errors[wrong] = np.rint(painted).astype(np.uint8)
    return np.hstack([photo, right, cut, errors])
