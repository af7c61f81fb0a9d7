"""High dynamic range to the range of photos.

The transfer functions are those of ITU-R BT.2100: PQ, and HLG on a display of 1000 nits. What is
brighter than reference white (203 nits, ITU-R BT.2408) is rolled off instead of cut, by one
factor for all three channels, so that hues stay. Wide colours come nearer by their matrix.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

PQ, HLG = 16, 18
"""Transfer characteristics, as ITU-T H.273 numbers them."""
_WHITE_NITS = 203.0
_HLG_NITS, _HLG_GAMMA = 1000.0, 1.2
_KNEE = 0.6
"""Share of white up to which light stays as it is."""
_LEVELS = 4096
_LUMA = np.array([0.2627, 0.6780, 0.0593], np.float32)
_TO_709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    np.float32,
)
"""From the primaries of BT.2020 (ITU-R BT.2087)."""
_DISPLAY_GAMMA = 2.2


def to_sdr(signal: NDArray[np.uint16], transfer: int) -> NDArray[np.uint8]:
    """A picture for ordinary screens, uint8 (H, W, 3) RGB.

    `signal` is uint16 (H, W, 3): R'G'B' of BT.2020 in 0..65535, in PQ or HLG.
    """
    light = _light_table(transfer)[signal >> 4]
    if transfer == HLG:
        luma = light @ _LUMA
        light *= (np.maximum(luma, 1e-6) ** (_HLG_GAMMA - 1) * (_HLG_NITS / _WHITE_NITS))[..., None]
    light = np.maximum(cv2.transform(light, _TO_709), 0)
    light *= _roll_off(light.max(axis=2))[..., None]
    levels = _level_table()[np.rint(light * (_LEVELS - 1)).astype(np.uint16)]
    return np.asarray(levels, np.uint8)


def _roll_off(peak: NDArray[np.float32]) -> NDArray[np.float32]:
    """By what light is multiplied whose brightest channel is `peak`; the result is at most 1."""
    above = np.maximum(peak - _KNEE, 0) / (1 - _KNEE)
    rolled = np.minimum(peak, _KNEE) + (1 - _KNEE) * above / (1 + above)
    return np.asarray(rolled / np.maximum(peak, 1e-6), np.float32)


@cache
def _light_table(transfer: int) -> NDArray[np.float32]:
    """Light of each level: of the display for PQ, 1 at white; of the scene for HLG, 0..1."""
    level = np.linspace(0, 1, _LEVELS)
    if transfer == PQ:
        root = level ** (32 / 2523)
        nits = 10_000 * (np.maximum(root - 107 / 128, 0) / (2413 / 128 - 2392 / 128 * root)) ** (
            16384 / 2610
        )
        return (nits / _WHITE_NITS).astype(np.float32)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(level <= 0.5, level**2 / 3, (np.exp((level - c) / a) + b) / 12)
    return scene.astype(np.float32)


@cache
def _level_table() -> NDArray[np.uint8]:
    light = np.linspace(0, 1, _LEVELS)
    return np.rint(255 * light ** (1 / _DISPLAY_GAMMA)).astype(np.uint8)
