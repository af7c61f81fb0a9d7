"""Frames of a video to results, in order, steadied; stages of different frames overlap."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.errors import OptionError
from engine.found import Found
from engine.pipeline import Cartoonifier
from engine.result import Result
from engine.video.ahead import Scout
from engine.video.flow import FlowFinder, Glance, Motion, find_light, glance
from engine.video.shots import ShotColours, is_same_mask, may_be_cut
from engine.video.steady import SteadyDrawing, SteadyProbability

Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class Look:
    """What was found in a frame, and how it goes on from the one before."""

    found: Found
    """Its probability is steadied."""
    motion: Motion | None
    """From the frame before; None at the beginning of a shot."""


class VideoCartoonifier:
    """A Cartoonifier for the frames of videos: the same person, the same colours.

    In classic mode, each frame is drawn as a photo.
    """

    def __init__(self, app: Cartoonifier, *, every: int = 1) -> None:
        """`every`: the network sees each so-manieth frame, and those at which a shot begins; what
        it found is moved on to the others. Raises OptionError unless it is 1 or more."""
        if not isinstance(every, int) or every < 1:
            raise OptionError(f"every is {every!r}; expected a whole number of at least 1.")
        self.app, self.every = app, every
        self._options = app.cartoon.in_mode(app.segment.classic)

    def frames(
        self, frames: Iterable[Any], *, ahead: Iterable[Any] | None = None
    ) -> Iterator[Result]:
        """The results of frames, in their order.

        Frames are uint8 (H, W, 3) RGB arrays, or objects with such `pixels`. Three are under way at
        any time, four with `every`, on threads of their own; close the iterator to stop them early.

        `ahead` gives the same frames once more, from a file that is opened twice: then a shot has
        the colours of all its first seconds. Else, as for a camera, it begins with those of its
        first frame, and gets more as they appear.
        """
        pixels, ahead = _pixels(frames), None if ahead is None else _pixels(ahead)
        if self._options.style == "classic":
            return _ahead(map(self.app, pixels), 1)
        # Looks take turns to be long and short, where the network does not see each frame.
        looks = _ahead(self._look(pixels), min(self.every, 2))
        return _ahead(self._draw(looks, ahead), 1)

    def _look(self, frames: Iterable[NDArray[np.uint8]]) -> Iterator[Look]:
        find_motion, steady = FlowFinder(), SteadyProbability()
        before: Glance | None = None
        last: Found | None = None
        age = 0
        for frame in frames:
            seen = self.app.see(frame)
            now = glance(seen.small)
            motion = None
            if before is not None and before.grey.shape == now.grey.shape:
                motion = find_motion(before, now)
            doubtful = before is None or motion is None or may_be_cut(before, now, motion)
            age += 1
            if doubtful or last is None or motion is None or age >= self.every:
                found, age = self.app.recognise(seen), 0
                if doubtful and motion and last:
                    is_flash = is_same_mask(last.probability, found.probability)
                    motion = motion if is_flash else None
                found = replace(found, probability=steady(found.probability, motion))
            else:
                found = Found(**vars(seen), logits=last.logits, probability=steady.carry(motion))
            if motion is None or before is None:
                find_motion = FlowFinder()  # OpenCV's search keeps something of what it saw
            else:
                light = find_light(before, now, motion, found.probability)
                motion = replace(motion, light=light)
            last, before = found, now
            yield Look(found, motion)

    def _draw(
        self, looks: Iterable[Look], ahead: Iterable[NDArray[np.uint8]] | None
    ) -> Iterator[Result]:
        scout = ahead and Scout(self.app, self._options, ahead)
        colours, memory = ShotColours(self._options, None), SteadyDrawing()
        for number, look in enumerate(looks):
            if look.motion is None:
                palette = scout.find_palette(number) if scout else None
                colours, memory = ShotColours(self._options, palette), SteadyDrawing()
            else:
                colours.light(look.motion.light)
            memory.begin(look.motion)
            result = self.app.draw(look.found, like=colours.palette, memory=memory)
            if memory.working is not None and memory.smoothed is not None and result.shapes:
                colours.follow(
                    result.painted, memory.smoothed, memory.working.alpha, result.shapes.labels
                )
            yield replace(result, begins_shot=look.motion is None)


def _pixels(frames: Iterable[Any]) -> Iterator[NDArray[np.uint8]]:
    return (getattr(frame, "pixels", frame) for frame in frames)


def _ahead(items: Iterator[Item], count: int) -> Iterator[Item]:
    """The same items; so many are made on another thread while the one before is worked on."""
    end = object()
    with ThreadPoolExecutor(1, "video") as pool:
        waiting = deque(pool.submit(next, items, end) for _ in range(count))
        try:
            while (item := waiting.popleft().result()) is not end:
                waiting.append(pool.submit(next, items, end))
                yield item  # type: ignore[misc]
        finally:
            for later in waiting:
                later.cancel()
