"""What the network sees of a photo, and what it finds in it: all that a drawing starts from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.options import SegmentOptions
from engine.weights import ModelFacts


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """A photo as it was read, and as the network sees it; made by `Cartoonifier.see`."""

    photo: NDArray[np.uint8]
    """(H, W, 3) RGB, upright, as it was read."""
    small: NDArray[np.uint8]
    """(h, w, 3) RGB, as the network sees it."""
    facts: ModelFacts
    """Of the network."""
    segment: SegmentOptions
    """By which it is asked."""
    name: str = "photo"
    """Of the files that are saved."""
    exif: bytes = b""
    """The photo's, as it was read; empty for none."""
    timings: dict[str, float] = field(default_factory=dict)
    """Milliseconds per stage."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Found(Seen):
    """A photo and where the kept classes are in it; made by `Cartoonifier.find`.

    It is kept to draw the same photo again with other options, without running the network again.
    """

    logits: NDArray[np.float32]
    """(1, C, h', w'), as the network gave them; a precise look is averaged in."""
    probability: NDArray[np.float32]
    """(h', w'), 0..1: share of the kept classes. Another may be put in its place."""
