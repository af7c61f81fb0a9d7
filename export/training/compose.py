"""People laid on scenes of other photos, where the true alpha is known everywhere."""

from __future__ import annotations

import cv2
import numpy as np

from engine.errors import OptionError
from export.photos import PERSON
from export.training.batches import Entry
from export.training.pasting import View, own_colours, paste_person

EDGE_WIDTH = 1.5
"""How many times as wide as in the small photo an edge is in the enlarged one, at most."""


class Composer:
    """Composed views of the people with mattes and the scenes without people in `entries`.

    Raises OptionError where there are none.
    """

    def __init__(self, entries: list[Entry]) -> None:
        self.donors = [entry for entry in entries if entry.matte]
        self.scenes = [e for e in entries if e.fully_labelled and not _has_person(e)]
        if not (self.donors and self.scenes):
            raise OptionError(
                f"{len(self.donors)} photos with mattes and {len(self.scenes)} without people, "
                "expected some of both. docs/training.md describes the folder."
            )

    def compose(self, shorter_side: int | None, rng: np.random.Generator) -> View:
        """A person on a scene that has this shorter side, or its own; nothing else is labelled."""
        scene = self.scenes[rng.integers(len(self.scenes))].read()[0]
        factor = 1.0 if shorter_side is None else shorter_side / min(scene.shape[:2])
        scene = enlarge_colours(scene, factor)
        empty = np.zeros(scene.shape[:2], np.uint8)
        view: View = scene, empty, empty
        while not view[2].any():  # a donor may be too small to be pasted
            donor = self.donors[rng.integers(len(self.donors))].read_soft()
            view = paste_person((scene, empty, empty), enlarge(donor, factor), rng)
        return view


def enlarge(view: View, factor: float) -> View:
    """The person of a view at a larger size, with edges as sharp as those of a large photo."""
    if factor <= 1:
        return view
    photo, mask, alpha = view
    share = alpha.astype(np.float32) / 255
    colours = own_colours(photo, share).astype(np.uint8)
    sharp = cv2.resize(share, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    sharp = np.clip((sharp - 0.5) * max(1.0, factor / EDGE_WIDTH) + 0.5, 0, 1)
    mask = cv2.resize(mask, sharp.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return enlarge_colours(colours, factor), mask, np.rint(255 * sharp).astype(np.uint8)


def enlarge_colours(photo: np.ndarray, factor: float) -> np.ndarray:
    """A photo, uint8 (H, W, 3), at a larger size; as it is for factors up to 1."""
    if factor <= 1:
        return photo
    return cv2.resize(photo, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)


def _has_person(entry: Entry) -> bool:
    return bool((entry.read()[1] == PERSON).any())
