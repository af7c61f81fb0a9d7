"""A video behind the people: its frame of the same moment, again and again until the end."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from engine.cutout.background import cover
from engine.cutout.blend import blend
from engine.video.frame import Frame
from engine.video.read import SEQUENCE_RATE, Clip


class MovingBackdrop:
    """Gives the backdrop of one moment after the other; it holds one frame."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._frames: Iterator[Frame] = iter(())
        self._round = Fraction(0)
        self._now, self._next = self._rewind(Fraction(0))

    def at(self, seconds: Fraction, height: int, width: int) -> NDArray[np.uint8]:
        """uint8 (height, width, 3), of a moment that is not before the last one asked for."""
        while seconds >= self._end:
            if self._next is None:
                self._now, self._next = self._rewind(self._end)
            else:
                self._now, self._next = self._next, next(self._frames, None)
        return cover(self._now.pixels, height, width)

    @property
    def _end(self) -> Fraction:
        """When the frame that is shown now is over."""
        if self._next is not None:
            return self._round + self._next.pts
        return self._round + self._now.pts + (self._now.duration or Fraction(1, SEQUENCE_RATE))

    def _rewind(self, seconds: Fraction) -> tuple[Frame, Frame | None]:
        """The first two frames. Raises PhotoError."""
        self._round, self._frames = seconds, self._clip.frames()
        return next(self._frames), next(self._frames, None)


def lay(picture: NDArray[np.uint8], behind: NDArray[np.uint8], threads: int) -> NDArray[np.uint8]:
    """A picture, uint8 (H, W, 4), on what lies behind it, uint8 (H, W, 3)."""
    alpha = np.asarray(picture[..., 3] / np.float32(255), np.float32)
    return blend(np.ascontiguousarray(picture[..., :3]), alpha, behind, threads)
