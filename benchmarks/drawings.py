"""The styles behind one interface, and how long each takes to draw."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.setting import Setting
from benchmarks.turns import compare, median_ms
from engine.cartoon.colours import Palette
from engine.cartoon.drawing import Drawing, Subject
from engine.cartoon.style import load_style
from engine.options import CartoonOptions

CLASSIC = "classic"
TIMED_AT = {"450 x 600": (450 * 600, 30), "12 MP": (12_000_000, 7)}
"""Pixels, and rounds."""


Draw = Callable[[NDArray[np.uint8], NDArray[np.float32], Palette | None], Drawing]
"""A cut-out on white, uint8 (H, W, 3) RGB; its alpha, float32 (H, W); colours to hold, or None."""


def find_drawing(style: str, threads: int) -> Draw:
    """How a style draws on white."""
    options = CartoonOptions(style=style)
    draw_style = load_style(options)

    def draw(
        cutout: NDArray[np.uint8], alpha: NDArray[np.float32], palette: Palette | None
    ) -> Drawing:
        held = options if palette is None else replace(options, palette=palette)
        return draw_style(Subject(cutout, alpha), held, threads)

    return draw


def time_drawings(
    draws: Mapping[str, Draw],
    cutout: NDArray[np.uint8],
    alpha: NDArray[np.float32],
    setting: Setting,
) -> dict[str, dict[str, float]]:
    """Numbers by style: best and median milliseconds at two sizes, and their share of classic's."""
    numbers: dict[str, dict[str, float]] = {style: {} for style in draws}
    for size, (pixels, rounds) in TIMED_AT.items():
        if setting.quick:
            pixels = math.prod(setting.size(0, 0))
        pictures = scale(cutout, alpha, math.sqrt(pixels / alpha.size))
        contenders = {style: partial(draw, *pictures, None) for style, draw in draws.items()}
        seconds = setting.in_turns(contenders, rounds)
        for style in draws:
            numbers[style] |= {
                f"{size}, best ms": min(seconds[style]) * 1e3,
                f"{size}, median ms": median_ms(seconds[style]),
                f"{size}, of classic": compare(seconds, style, CLASSIC).median,
            }
    return numbers


def scale(
    cutout: NDArray[np.uint8], alpha: NDArray[np.float32], factor: float
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Cut-out and alpha with their sides times `factor`."""
    height, width = (max(1, round(side * factor)) for side in alpha.shape)
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    larger = cv2.resize(cutout, (width, height), interpolation=how)
    matte = cv2.resize(alpha, (width, height), interpolation=how)
    return np.asarray(larger, np.uint8), np.asarray(matte, np.float32)
