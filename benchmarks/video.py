"""Videos, frame by frame beside steadied: flicker, palettes, masks, speed and memory.

    python -m benchmarks.video [--photos FOLDER] [--clips FOLDER]

Flicker is the share of the person's pixels whose colour jumps by more than 16 levels in a channel
from where the motion says that they were, but not in the input. The clips are made from a photo, so
that their motion is known; in `--clips`, it is that of OpenCV's dense inverse search at full size.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.clips import Clip, Frame
from engine.result import Result

JUMP = 16
"""Levels in any channel."""


def find_jumps(before: Frame, now: Frame, way: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Pixels, bool (H, W), whose colour is another than where they were in the frame before."""
    height, width = way.shape[:2]
    x = way[..., 0] + np.arange(width, dtype=np.float32)
    y = way[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    was = cv2.remap(before, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    inside = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    return np.asarray((cv2.absdiff(was, now).max(axis=2) > JUMP) & inside)


def find_ways(frames: list[Frame]) -> list[NDArray[np.float32]]:
    """From each pixel of a frame but the first to where it was: dense inverse search, medium."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    greys = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    ways = []
    for before, now in zip(greys, greys[1:], strict=False):
        ways.append(np.asarray(search.calc(now, before, None), np.float32))
    return ways


def find_flicker(clip: Clip, results: list[Result], ways: list[NDArray[np.float32]]) -> float:
    """Mean share of the person's pixels that jump in the cartoon, but not in the clip."""
    shares = []
    for t, way in enumerate(ways, 1):
        if t in clip.cuts:
            continue
        person = results[t].alpha > 0.5
        drawn = find_jumps(results[t - 1].cartoon, results[t].cartoon, way)
        given = find_jumps(clip.frames[t - 1], clip.frames[t], way)
        if person.any():
            shares.append(float((drawn & ~given & person).sum() / person.sum()))
    return float(np.mean(shares)) if shares else 0.0
