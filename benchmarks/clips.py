"""Clips whose motion is known, made from one photo each, and clips read from folders."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.files.photos import read_photo

NOISE = 2.0
"""Levels: standard deviation of the sensor's noise, in all synthetic clips."""
FRAMES = 24
Frame = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Clip:
    """Frames, and what is known of them."""

    name: str
    frames: list[Frame]
    """Each uint8 (H, W, 3) RGB."""
    ways: list[NDArray[np.float32]] | None = None
    """From each pixel of a frame but the first to where it was in the one before: (H, W, 2), x and
    y. None: not known."""
    masks: list[NDArray[np.bool_]] | None = None
    """(H, W), where people are. None: not known."""
    cuts: frozenset[int] = frozenset()
    """Frames at which a shot begins, but the first."""


def synthetic(photo: Frame, other: Frame, frames: int = FRAMES) -> Iterator[Clip]:
    """A photo that is still, pans, zooms, gets darker, and is cut to another photo of its size."""
    still = np.zeros(frames), np.zeros(frames), np.ones(frames)
    t = np.linspace(0, 1, frames)
    width = photo.shape[1]
    pan = width / 8 * t + 0.4 * np.sin(9 * t), width / 40 * np.sin(4 * t), np.ones(frames)
    yield _move("still", photo, *still)
    yield _move("pan", photo, *pan)
    yield _move("zoom", photo, np.zeros(frames), np.zeros(frames), 1 + 0.25 * t)
    yield _move("light", photo, *still, light=1 - 0.3 * t)
    before, after = (_move("cut", picture, *still) for picture in (photo, other))
    middle = frames // 2
    ways = [np.zeros((*photo.shape[:2], 2), np.float32)] * (frames - 1)
    both = before.frames[:middle] + after.frames[middle:]
    yield Clip("cut", both, ways, cuts=frozenset({middle}))


def sway(photo: Frame, frames: int = FRAMES) -> Clip:
    """A camera that pans and zooms, and comes back: it can be shown again and again."""
    t = np.arange(frames) * (2 * np.pi / frames)
    pan = photo.shape[1] / 20 * np.sin(t)
    return _move("sway", photo, pan, pan / 4, 1.15 - 0.15 * np.cos(t))


def jump(photo: Frame, alpha: NDArray[np.float32], frames: int = FRAMES) -> Clip:
    """The person of a photo before a plain wall, who jumps to the mirrored place at half time."""
    rng = np.random.default_rng(0)
    share = alpha[..., None]
    standing = photo * share + 128 * (1 - share)
    middle = frames // 2
    sides = [standing if t < middle else standing[:, ::-1] for t in range(frames)]
    noisy = [np.clip(side + rng.normal(0, NOISE, photo.shape), 0, 255) for side in sides]
    return Clip("jump", [np.rint(frame).astype(np.uint8) for frame in noisy], [])


def read_clips(folder: Path) -> Iterator[Clip]:
    """Clips as DAVIS lays them out: NAME/frames/*.jpg, and NAME/masks/*.png, 255 for people."""
    for clip in sorted(path for path in folder.iterdir() if (path / "frames").is_dir()):
        frames = [read_photo(path) for path in sorted((clip / "frames").iterdir())]
        masks = [read_photo(path)[..., 0] > 127 for path in sorted((clip / "masks").iterdir())]
        yield Clip(clip.name, frames, masks=masks or None)


def _move(
    name: str,
    photo: Frame,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    zoom: NDArray[np.float64],
    light: NDArray[np.float64] | None = None,
) -> Clip:
    """Moves the camera by (x, y) pixels of the photo, and zooms about its centre."""
    light = np.ones(len(x)) if light is None else light
    rng = np.random.default_rng(0)
    height, width = photo.shape[:2]
    centre = np.array([width - 1, height - 1]) / 2
    frames, ways = [], []
    matrices = [
        np.hstack([np.eye(2) / z, (centre * (1 - 1 / z) + (dx, dy))[:, None]])
        for dx, dy, z in zip(x, y, zoom, strict=True)
    ]
    for matrix, level in zip(matrices, light, strict=True):
        moved = cv2.warpAffine(
            photo, matrix, (width, height), borderMode=cv2.BORDER_REFLECT,
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        )  # fmt: skip
        noisy = moved * level + rng.normal(0, NOISE, photo.shape)
        frames.append(np.rint(np.clip(noisy, 0, 255)).astype(np.uint8))
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=2)
    for before, now in itertools.pairwise(matrices):
        # Where a pixel is in the photo, and where that was in the frame before.
        place = grid @ now[:, :2].T + now[:, 2]
        was = (place - before[:, 2]) @ np.linalg.inv(before[:, :2]).T
        ways.append((was - grid).astype(np.float32))
    return Clip(name, frames, ways)
