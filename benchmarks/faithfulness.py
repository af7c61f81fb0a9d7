"""What a drawing keeps of its cut-out, and how steady it is: the numbers of one photo.

Shares lie in 0..1; a number that has no meaning for a photo is NaN.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.drawings import Draw, scale
from engine.cartoon.colours import Palette
from engine.cartoon.drawing import Drawing
from engine.metrics import ssim

LARGE_PIXELS = 12_000_000
MEDIUM_SIDE = 1500
"""Pixels of the longer side that a large drawing is reduced to."""
NOISE_LEVELS = 2.0
"""Standard deviation, as of a camera in good light."""
VISIBLE_LEVELS = 16
"""A pixel has changed when a channel differs by more."""
COLOURED = 15.0
"""Chroma in Lab above which a pixel has a hue to speak of."""
OFF_DEGREES = 60.0
LEAST_COLOURED = 0.02
"""Share of the person that has to be coloured for its hue to be judged."""
FAR = 0.02
"""From the person, as a share of the person's box; no outline is as wide."""


def measure(
    draw: Draw, cutout: NDArray[np.uint8], alpha: NDArray[np.float32]
) -> tuple[Drawing, dict[str, float]]:
    """The drawing of a cut-out, and its numbers by name."""
    drawn = draw(cutout, alpha, None)
    numbers = {
        "colours": float(_count_colours(drawn)),
        "ssim": ssim(cutout, drawn.cartoon),
        "size": compare_sizes(draw, cutout, alpha),
        "changed, free": find_changed(draw, drawn, None, cutout, alpha),
        "off hue": find_off_hue(cutout, drawn.cartoon, alpha),
        **find_lost_white(cutout, drawn.cartoon, alpha),
    }
    if drawn.palette is not None:
        numbers["changed, held"] = find_changed(draw, drawn, drawn.palette, cutout, alpha)
    return drawn, numbers


def find_changed(
    draw: Draw,
    drawn: Drawing,
    palette: Palette | None,
    cutout: NDArray[np.uint8],
    alpha: NDArray[np.float32],
) -> float:
    """Share of the person that changes when the photo moves by a pixel, with a little noise.

    The picture is rolled: what leaves it on one side comes in on the other. The noise is the same
    in each run, and as strong as alpha; the person is where alpha is above a half.
    """
    noise = np.random.default_rng(0).standard_normal(cutout.shape, np.float32)
    noisy = np.rint(cutout + NOISE_LEVELS * noise * alpha[..., None]).clip(0, 255).astype(np.uint8)
    moved = draw(np.roll(noisy, (1, 1), (0, 1)), np.roll(alpha, (1, 1), (0, 1)), palette).cartoon
    difference = cv2.absdiff(drawn.cartoon, np.roll(moved, (-1, -1), (0, 1))).max(axis=2)
    return _share(difference > VISIBLE_LEVELS, alpha > 0.5)


def compare_sizes(draw: Draw, cutout: NDArray[np.uint8], alpha: NDArray[np.float32]) -> float:
    """SSIM between the photo drawn at 12 megapixels, then reduced, and drawn at 1500 pixels."""
    factors = (math.sqrt(LARGE_PIXELS / alpha.size), MEDIUM_SIDE / max(alpha.shape))
    large, medium = (draw(*scale(cutout, alpha, factor), None).cartoon for factor in factors)
    size = (medium.shape[1], medium.shape[0])
    return ssim(np.asarray(cv2.resize(large, size, interpolation=cv2.INTER_AREA), np.uint8), medium)


def find_off_hue(
    cutout: NDArray[np.uint8], cartoon: NDArray[np.uint8], alpha: NDArray[np.float32]
) -> float:
    """Share of the person's coloured pixels whose hue is over 60 degrees off.

    Coloured are pixels of alpha above 0.9 and chroma above 15 in the cut-out. Those that are drawn
    grey, below that chroma, have no hue that could be off. NaN where less than 2 % of the person
    is coloured.
    """
    (hue, chroma), (drawn_hue, drawn_chroma) = map(_hue_and_chroma, (cutout, cartoon))
    person = alpha > 0.9
    coloured = person & (chroma > COLOURED)
    if coloured.sum() < LEAST_COLOURED * person.sum():
        return math.nan
    angle = np.abs((hue - drawn_hue + 180) % 360 - 180)
    return _share((drawn_chroma > COLOURED) & (angle > OFF_DEGREES), coloured)


def find_lost_white(
    cutout: NDArray[np.uint8], cartoon: NDArray[np.uint8], alpha: NDArray[np.float32]
) -> dict[str, float]:
    """How much of the white background stays pure white, and how far from the person the rest is.

    Distances are to the nearest pixel of alpha above a half: "white lost within" is the largest, in
    pixels, and "white lost far" the share of the background that is lost further away than 2 % of
    the person's box (the root of its area).
    """
    white = (alpha == 0) & (cutout == 255).all(axis=2)
    lost = white & (cartoon != 255).any(axis=2)
    person = (alpha > 0.5).astype(np.uint8)
    distance = cv2.distanceTransform(1 - person, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    _, _, width, height = cv2.boundingRect(person)
    return {
        "white kept": 1 - _share(lost, white),
        "white lost within": float(distance[lost].max(initial=0)),
        "white lost far": _share(lost & (distance > FAR * math.sqrt(width * height)), white),
    }


def _count_colours(drawn: Drawing) -> int:
    """As painted, before borders are mixed; all that there are where nothing else is known."""
    if drawn.palette is not None:
        return len(drawn.palette.rgb)
    red, green, blue = (drawn.cartoon[..., channel].astype(np.uint32) for channel in range(3))
    return len(np.unique(red << 16 | green << 8 | blue))


def _share(part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> float:
    """Of `whole`; NaN for nothing."""
    total = int(whole.sum())
    return int((part & whole).sum()) / total if total else math.nan


def _hue_and_chroma(picture: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Hue in degrees and chroma, in CIE Lab, (H, W) each."""
    lab = cv2.cvtColor(picture.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)
    chroma, hue = cv2.cartToPolar(lab[..., 1], lab[..., 2], angleInDegrees=True)
    return np.asarray(hue, np.float32), np.asarray(chroma, np.float32)
