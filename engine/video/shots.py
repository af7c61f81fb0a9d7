"""Shots: where they begin, and their colours, which stay, and follow the light."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.cartoon.colours import MOST_COLOURS, Palette
from engine.cartoon.refined.palette import Found, find_colours, paint
from engine.cartoon.refined.styles import METRIC, STYLES
from engine.options import CartoonOptions
from engine.video.flow import Glance, Motion

LEVELS = 8
"""Of each channel, in the histograms that are compared."""
OTHER_COLOURS = 0.35
"""Share of a frame's pixels that have other colours than in the frame before, from which on there
may be a cut."""
LOST = 0.5
"""Mean trust in the motion below which there may be one."""
SAME_MASK = 0.9
"""Intersection over union of the people of two frames from which on there is none: a flash."""

PACE = 0.02
"""Share of the way to the mean of what it paints that a colour goes in a frame: it follows the
light, within a second."""
SAMPLE = 3
"""Every so many pixels are looked at."""
SPARSE = 5
"""Of what is looked at, every so many pixels are compared with all colours, to find new ones."""
FAR = 20.0
"""Distance, in `METRIC`'s scale, from all colours of what needs one of its own."""
LEAST_NEW = 0.015
"""Share of the person from which on it gets one."""
MORE = 8
"""Colours that a shot may get so."""
FADE = 1 / 6
"""Share of the fading in of a new colour in a frame: it does not jump."""
_LAB_RANGE = np.array([[0, -128, -128], [100, 127, 127]])


def may_be_cut(before: Glance, now: Glance, motion: Motion) -> bool:
    """Whether neither the colours nor the motion tell that a frame goes on from another one."""
    return change_of_colours(before.colours, now.colours) > OTHER_COLOURS and (
        float(motion.trust.mean()) < LOST
    )


def change_of_colours(before: NDArray[np.uint8], now: NDArray[np.uint8]) -> float:
    """Share of the pixels of two pictures, uint8 (h, w, 3), that have other colours, 0..1."""
    one, other = (_histogram(picture) for picture in (before, now))
    return float(1 - np.minimum(one, other).sum())


def _histogram(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    ranges = [0, 256] * 3
    counts = cv2.calcHist([picture], [0, 1, 2], None, [LEVELS] * 3, ranges)
    # Blurred, so that a colour at the border of a cell may pass it.
    soft = cv2.blur(counts.reshape(LEVELS, LEVELS * LEVELS), (1, 3))
    return np.asarray(soft / max(1.0, float(soft.sum())), np.float32)


def is_same_mask(before: NDArray[np.float32], now: NDArray[np.float32]) -> bool:
    """Whether two probabilities, float32 (h, w), show the same people in the same place."""
    one, other = before > 0.5, now > 0.5
    return bool((one & other).sum() >= SAME_MASK * max(1, (one | other).sum()))


@dataclass(frozen=True, eq=False)
class _Colours:
    lab: NDArray[np.float64]
    share: NDArray[np.float64]
    shown: NDArray[np.float64]
    """(N,), 0..1: how far each colour has been faded in."""
    like: NDArray[np.int64]
    """(N,): the colour that it is faded in from."""


class ShotColours:
    """The palette of a shot: given, or found at its first frame; it follows what it paints."""

    def __init__(self, options: CartoonOptions, palette: Palette | None) -> None:
        """`options` has the style; its own palette, if it has one, stays as it is."""
        self._options, self._style = options, STYLES[options.style or "comic"]
        self._fixed = options.palette is not None
        self._palette = options.palette if self._fixed else palette
        self._colours = None if self._palette is None else _start(self._palette)

    @property
    def palette(self) -> Palette | None:
        """What the next frame is to be painted in; None for what is found in it."""
        if self._palette is None and self._colours is not None:
            self._palette = self._paint(self._colours)
        return self._palette

    def light(self, change: float) -> None:
        """Takes up that everybody is `change` times lighter than in the frame before."""
        if not self._fixed and self._colours is not None:
            self._colours = replace(self._colours, lab=self._colours.lab * change)
            self._palette = None

    def follow(
        self,
        painted: Palette | None,
        smoothed: NDArray[np.float32],
        alpha: NDArray[np.float32],
        labels: NDArray[np.uint8],
    ) -> None:
        """Takes up what a frame was painted in, and what its labels, (h, w), stood for."""
        if self._fixed or painted is None or not len(painted):
            return
        colours = _start(painted) if self._colours is None else self._colours
        step = slice(None, None, SAMPLE)
        inside = alpha[step, step] >= 0.5
        lab, label = smoothed[step, step][inside], labels[step, step][inside]
        colours = _draw_nearer(colours, lab, label)
        self._colours, self._palette = self._grow(colours, lab[::SPARSE]), None

    def _grow(self, colours: _Colours, lab: NDArray[np.float32]) -> _Colours:
        """With what is far from all colours; it gets the nearest one's paint first."""
        room = min(self._style.most_colours + MORE, MOST_COLOURS) - len(colours.lab)
        limit = self._options.colours
        if room < 1 or limit or not self._style.has_colour or not len(lab):
            return colours
        far = lab[_distance2(lab, colours.lab).min(axis=1) > FAR**2]
        if len(far) < max(8, LEAST_NEW * len(lab)):
            return colours
        found = find_colours(
            far[:, None], np.ones((len(far), 1), np.float32), self._style, self._options, 1
        )
        largest = np.argsort(-found.share, kind="stable")[: min(2, room)]
        new = found.lab[largest]
        return _Colours(
            np.concatenate([colours.lab, new]),
            np.concatenate([colours.share, np.zeros(len(new))]),
            np.concatenate([colours.shown, np.zeros(len(new))]),
            np.concatenate([colours.like, _distance2(new, colours.lab).argmin(axis=1)]),
        )

    def _paint(self, colours: _Colours) -> Palette:
        lab = np.clip(colours.lab, *_LAB_RANGE)
        found = Found(lab, colours.share / colours.share.sum(), {}, {})
        own = paint(found, self._style, self._options.vivid)
        shown = colours.shown[:, None]
        rgb = np.rint(own.rgb[colours.like] * (1 - shown) + own.rgb * shown).astype(np.uint8)
        return Palette(rgb, own.lab, own.share)


def _start(palette: Palette) -> _Colours:
    share = np.maximum(palette.share.astype(np.float64), 1e-9)
    count = len(palette)
    return _Colours(palette.lab.astype(np.float64), share, np.ones(count), np.arange(count))


def _draw_nearer(
    colours: _Colours, lab: NDArray[np.float32], labels: NDArray[np.uint8]
) -> _Colours:
    """A step of each colour towards the mean of what it paints; of its share as well."""
    count = len(colours.lab)
    counts = np.asarray(np.bincount(labels, minlength=count), np.float64)
    sums = np.stack([np.bincount(labels, lab[:, c], count) for c in range(3)], axis=1)
    means = sums / np.maximum(counts, 1)[:, None]
    pace = PACE * (counts > 0)
    share = colours.share + PACE * (counts / max(1.0, counts.sum()) - colours.share)
    return _Colours(
        colours.lab + pace[:, None] * (means - colours.lab),
        share,
        np.minimum(1, colours.shown + FADE),
        colours.like,
    )


def _distance2(lab: NDArray[np.floating], colours: NDArray[np.floating]) -> NDArray[np.floating]:
    """Squares of the distances, float64 (P, N), in `METRIC`'s scale."""
    one, other = (np.asarray(c * METRIC, np.float64) for c in (lab, colours))
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)
    return np.asarray(squares - 2 * one @ other.T)
