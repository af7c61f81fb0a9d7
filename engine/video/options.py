"""Which part of a video is made, and as what."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

from engine.errors import OptionError

_TIME = re.compile(r"(?:(?:(\d+):)?(\d{1,2}):)?(\d+(?:\.\d+)?)")
MOST_RATE = 1000
_FINEST = 1_000_000


@dataclass(frozen=True)
class VideoOptions:
    """What is asked of videos, and not of photos."""

    form: str = "mp4"
    """mp4, webm, mov, webp (animated), gif; or png or jpg, a file per frame."""

    start: float = 0.0
    """Seconds, from 0: frames before it are left out."""

    end: float | None = None
    """Seconds, above `start`: frames from it on are left out. None: to the end."""

    fps: float | None = None
    """At most so many frames per second, above 0; the rate of a camera or a sequence of pictures.
    None: all there are."""

    every: int = 1
    """The network runs on each n-th frame, from 1; between them its findings are moved along."""

    backdrop: str = ""
    """A video that is laid behind, again and again until the end. Empty: none."""

    def __post_init__(self) -> None:
        if self.start < 0 or (self.end is not None and self.end <= self.start):
            raise OptionError(
                f"start is {self.start:g} s and end "
                f"{math.inf if self.end is None else self.end:g} s; 0 <= start < end."
            )
        if self.fps is not None and not 0 < self.fps <= MOST_RATE:
            raise OptionError(f"fps is {self.fps!r}; it lies between 0 and {MOST_RATE}.")
        if self.every < 1:
            raise OptionError(f"every is {self.every!r}; it is at least 1.")

    @property
    def span(self) -> tuple[Fraction, Fraction | None]:
        """Start and end, as exact as they were written."""
        end = None if self.end is None else Fraction(self.end).limit_denominator(_FINEST)
        return Fraction(self.start).limit_denominator(_FINEST), end


def parse_time(text: str, option: str) -> float:
    """Seconds of "83.5", "1:23.5" or "0:01:23.5". Raises OptionError for anything else."""
    match = _TIME.fullmatch(text.strip())
    if not match:
        raise OptionError(f"{option} is {text!r}; expected seconds, m:s or h:m:s.")
    hours, minutes, seconds = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds)
