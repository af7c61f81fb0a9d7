"""How well masks fit: intersection over union, of areas and of boundaries."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from export.photos import PERSON, VOID

BOUNDARY_SHARE = 0.02
"""Width of the boundary band, as a share of the picture's diagonal."""


@dataclass
class Overlap:
    """Pixels of intersection and of union, pooled over photos; void pixels never count."""

    area: np.ndarray = field(default_factory=lambda: np.zeros(2, np.int64))
    boundary: np.ndarray = field(default_factory=lambda: np.zeros(2, np.int64))

    def add(self, found: np.ndarray, truth: np.ndarray) -> None:
        """Counts a photo: `found`, bool (H, W), and `truth`, classes, uint8 (H, W)."""
        person, known = truth == PERSON, truth != VOID
        self.area += _count(found, person, known)
        self.boundary += _count(inner_band(found), inner_band(person), known)

    @property
    def iou(self) -> float:
        """Intersection over union of the areas, 0..1; NaN if nobody was there or found."""
        return _ratio(self.area)

    @property
    def boundary_iou(self) -> float:
        """The same of the bands within 2 % of the diagonal inside the edges.

        After Cheng et al., "Boundary IoU" (CVPR 2021).
        """
        return _ratio(self.boundary)


@dataclass
class Confusion:
    """Pixels of each true class by the class found, over photos with all classes labelled."""

    classes: int = 21
    photos: int = 0

    def __post_init__(self) -> None:
        self.pixels = np.zeros((self.classes, self.classes), np.int64)

    def add(self, labels: np.ndarray, truth: np.ndarray) -> None:
        """Counts a photo: both classes, uint8 (H, W)."""
        known = (truth != VOID) & (truth < self.classes)
        pairs = self.classes * truth[known].astype(np.int64) + labels[known]
        self.pixels += np.bincount(pairs, minlength=self.classes**2).reshape(self.pixels.shape)
        self.photos += 1

    @property
    def mean_iou(self) -> float:
        """Intersection over union, 0..1, mean over the classes that are there or found."""
        right = np.diag(self.pixels)
        union = self.pixels.sum(axis=0) + self.pixels.sum(axis=1) - right
        return (
            float((right / np.maximum(union, 1))[union > 0].mean()) if union.any() else float("nan")
        )


def inner_band(mask: np.ndarray) -> np.ndarray:
    """The pixels of `mask`, bool (H, W), within 2 % of the diagonal of its edge.

    The picture's border is an edge.
    """
    width = max(1, round(BOUNDARY_SHARE * np.hypot(*mask.shape)))
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    core = cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=width)[1:-1, 1:-1]
    return mask & (core == 0)


def _count(found: np.ndarray, person: np.ndarray, known: np.ndarray) -> tuple[int, int]:
    return int((found & person & known).sum()), int(((found | person) & known).sum())


def _ratio(pixels: np.ndarray) -> float:
    return float(pixels[0] / pixels[1]) if pixels[1] else float("nan")
