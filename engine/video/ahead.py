"""The colours of a shot, found on frames that are drawn later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from engine.cartoon.colours import Palette
from engine.cartoon.refined.palette import find_colours, paint
from engine.cartoon.refined.styles import STYLES
from engine.files.photos import read_with_exif
from engine.found import Seen
from engine.options import CartoonOptions
from engine.pipeline import Cartoonifier
from engine.video.shots import OTHER_COLOURS, change_of_colours
from engine.video.steady import SteadyDrawing

WINDOW, STEP = 96, 32
"""Frames from a shot's beginning that are looked at, and every so many of them are sampled."""
SPARSE = 4
"""Every so many pixels of a frame, across and down, tell whether its colours change."""
THIN = 2
"""Every so many pixels of a sample count."""


class Scout:
    """Goes before the frames that are drawn, on an iterator of its own over the same frames."""

    def __init__(
        self, app: Cartoonifier, options: CartoonOptions, frames: Iterable[NDArray[np.uint8]]
    ) -> None:
        self._app, self._options = app, options
        self._frames: Iterator[tuple[int, NDArray[np.uint8]]] = enumerate(frames)

    def find_palette(self, first: int) -> Palette | None:
        """The colours of the shot that begins at a frame's number; None where nobody is seen.

        The numbers must ascend.
        """
        style = STYLES[self._options.style or "comic"]
        pieces = [piece for seen in self._sample(first) if (piece := self._smooth(seen))]
        if not pieces:
            return None
        lab, alpha = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
        return paint(find_colours(lab, alpha, style, self._options, 1), style, self._options.vivid)

    def _sample(self, first: int) -> Iterator[Seen]:
        """Some of the shot's frames. Changes of colours are looked for here as well, so that no cut
        is passed."""
        before = None
        for number, frame in self._frames:
            if number < first:
                continue
            pixels, _ = read_with_exif(frame, self._app.max_megapixels)
            now = np.ascontiguousarray(pixels[::SPARSE, ::SPARSE])
            if before is not None and (
                before.shape != now.shape or change_of_colours(before, now) > OTHER_COLOURS
            ):
                self._frames = chain([(number, frame)], self._frames)
                return
            before = now
            if (number - first) % STEP == 0:
                yield self._app.see(pixels)
            if number - first >= WINDOW:
                return

    def _smooth(self, seen: Seen) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """What colours are found in, as columns: Lab, (N, 1, 3), and alpha, (N, 1)."""
        memory = SteadyDrawing()
        self._app.draw(self._app.recognise(seen), memory=memory)
        if memory.smoothed is None or memory.working is None:
            return None
        thin = slice(None, None, THIN)
        lab, alpha = memory.smoothed[thin, thin], memory.working.alpha[thin, thin]
        return lab.reshape(-1, 1, 3), alpha.reshape(-1, 1)
