"""Probability and photo to an alpha matte by a small network, and clean colours."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import ModelError
from engine.kernels import planes as kernels
from engine.segment.labels import upsample
from engine.segment.runtimes.choice import open_runtime
from engine.segment.runtimes.runtime import Runtime, reason_of
from engine.strips import in_strips
from engine.weights import find_refiner

STEP = 4
"""Pixels of the network's photo from one plane, and probability, to the next."""
SHARPENING = 0.3
"""Power of a larger photo's scale by which the logit grows: its edges are sharper than the network
can see."""
REACH = 3
"""How many planes away from a border alpha is decided."""
PULL, PULL_POWER = 3.0, 5
"""By how much the logit is drawn to the side that all around are on, and how suddenly."""
COLOUR_RADIUS = 4
"""Of the windows in which the colours of person and background are averaged, in planes."""


class Refiner:
    """A loaded refiner; `find_planes` may be called from several threads."""

    def __init__(self, runtime: Runtime, sha256: str) -> None:
        self._runtime, self.sha256 = runtime, sha256

    def find_planes(
        self, small: NDArray[np.uint8], coarse: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """float32 (h4, w4, 4): plane . (r, g, b, 1), colours in 0..1, is the logit of alpha.

        `small` is the network's photo, uint8 (h, w, 3), and `coarse` the probability at every
        fourth pixel of it, float32 (h4, w4). Raises ModelError where the runtime fails.
        """
        colours = np.ascontiguousarray(small.transpose(2, 0, 1)[None])
        photo = colours.astype(np.float32) * np.float32(1 / 127.5) - np.float32(1)
        try:
            (planes,) = self._runtime.run(photo, coarse[None, None])
        except Exception as error:  # a runtime has a class for each of its states
            raise ModelError(f"the refiner of edges failed: {reason_of(error)}") from error
        return np.ascontiguousarray(planes[0].transpose(1, 2, 0))


def open_refiner(provider: str, threads: int, path: Path | None = None) -> Refiner:
    """Loads the embedded refiner, or that of an .onnx file. Raises ModelError, ProviderError."""
    data, sha256 = find_refiner(path)
    return Refiner(open_runtime(data, str(path or "refiner"), provider, threads), sha256)


def refined_matte(
    probability: NDArray[np.float32],
    photo: NDArray[np.uint8],
    network_photo: NDArray[np.uint8],
    threshold: float,
    align_corners: bool,
    refiner: Refiner,
    threads: int = 1,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Alpha, float32 (H, W) in 0..1, and the person's own colours, uint8 (H, W, 3).

    The refiner sees the photo as the network saw it, `network_photo`, uint8 (h, w, 3), and the
    `probability`, float32, and gives planes over (r, g, b), which are taken at the pixels of
    `photo`, uint8 (H, W, 3), near the border. At the rim, where 0 < alpha < 1, the old background
    is taken out of the colours.

    Source: export/refiner.py; for the colours Forte, "Approximate Fast Foreground Colour
    Estimation" (2021), with means at low resolution.
    """
    height, width = network_photo.shape[:2]
    size = (height - 1) // STEP + 1, (width - 1) // STEP + 1
    coarse = probability
    if coarse.shape != size:
        coarse = upsample(probability, *size, align_corners)
    coarse = _centre(coarse, threshold)
    planes = refiner.find_planes(network_photo, coarse)
    planes *= np.float32(max(1.0, len(photo) / height) ** SHARPENING)
    guide = np.ascontiguousarray(network_photo[::STEP, ::STEP])
    share = np.empty(planes.shape[:2], np.float32)
    kernels.evaluate(planes, guide, share)
    around = _mean(np.where(share > 0.5, np.float32(1), np.float32(-1)), REACH)
    planes[..., 3] += np.float32(PULL) * around**PULL_POWER
    kernels.evaluate(planes, guide, share)
    maps = np.concatenate([planes, *_nearby_colours(guide, share)], axis=2)
    return _apply(photo, maps, _decide_cells(share), (height, width), threads)


def _centre(probability: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
    """The probability with its odds shifted such that the threshold becomes one half."""
    kept = probability * (1 - threshold)
    return np.asarray(kept / (kept + (1 - probability) * threshold), np.float32)


def _decide_cells(share: NDArray[np.float32]) -> NDArray[np.uint8]:
    """0 or 255 for cells around which all are on one side, 128 for the others, uint8 (h, w).

    A cell lies between a plane and its neighbours on the right and below.
    """
    kept = np.where(share > 0.5, np.uint8(255), np.uint8(0))
    window = np.ones((2 * REACH + 2,) * 2, np.uint8)  # one more to the right and below
    anchor, border = (REACH, REACH), cv2.BORDER_REPLICATE
    least = cv2.erode(kept, window, anchor=anchor, borderType=border)
    most = cv2.dilate(kept, window, anchor=anchor, borderType=border)
    return np.where(least == 255, 255, np.where(most == 0, 0, 128)).astype(np.uint8)


def _nearby_colours(
    guide: NDArray[np.uint8], share: NDArray[np.float32]
) -> list[NDArray[np.float32]]:
    """Mean colours of the person and of the background around each plane, float32 (h, w, 3)."""
    colours = guide.astype(np.float32)
    means = []
    for part in (share, 1 - share):
        weight = (part**3 + np.float32(1e-4))[..., None]  # sure pixels count most
        means.append(
            _mean(weight * colours, COLOUR_RADIUS) / _mean(weight, COLOUR_RADIUS)[..., None]
        )
    return means


def _mean(maps: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    window = (2 * radius + 1,) * 2
    return np.asarray(cv2.blur(maps, window, borderType=cv2.BORDER_REPLICATE), np.float32)


def _apply(
    photo: NDArray[np.uint8],
    maps: NDArray[np.float32],
    decided: NDArray[np.uint8],
    size: tuple[int, int],
    threads: int,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    height, width = photo.shape[:2]
    before, row_share = _find_taps(maps.shape[0], size[0], height)
    columns, column_share = _find_taps(maps.shape[1], size[1], width)
    starts = np.searchsorted(columns, np.arange(maps.shape[1] + 1))
    alpha, foreground = np.empty((height, width), np.float32), np.empty_like(photo)

    def refine_strip(top: int, bottom: int) -> None:
        rows = slice(top, bottom)
        foreground[rows] = photo[rows]
        kernels.refine(
            photo[rows], maps, decided, before[rows], row_share[rows], starts, column_share,
            alpha[rows], foreground[rows],
        )  # fmt: skip

    in_strips(refine_strip, height, width, threads)
    return alpha, foreground


def _find_taps(
    planes: int, side: int, target: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For each of `target` pixels the plane before it, and the share of the next one.

    `side` is that of the network's photo, which has a plane at every fourth pixel.
    """
    source = ((np.arange(target) + 0.5) * (side / target) - 0.5) / STEP
    source = np.clip(source, 0, planes - 1)
    before = source.astype(np.int64)
    return before, (source - before).astype(np.float32)
