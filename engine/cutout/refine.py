"""Probability and photo to an alpha matte that follows the photo's edges, and clean colours."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.kernels import guided
from engine.segment.labels import find_taps, upsample
from engine.segment.preprocess import resize
from engine.strips import in_strips

FIT_WORK = 10
"""Fitting the plane of one pixel is about as much work as ten pixels elsewhere."""
GUIDE_STEP = 3
"""The guide is the network's input, smaller by this factor, which is enough because the planes are
smooth; the edges come from the photo."""
WINDOW_SHARE = 1 / 32
"""Radius of the windows, as a share of the guide's shorter side."""
EPSILON = 3e-4
"""Of the guided filter, for colours in 0..1: how much variance is an edge."""
SURENESS = 2.0
"""How much the probability is spread about one half before planes are fitted to it."""
CONTRAST = 2.0
"""How much the fitted confidence is spread about one half to become alpha."""


def refined_matte(
    probability: NDArray[np.float32],
    photo: NDArray[np.uint8],
    network_photo: NDArray[np.uint8],
    threshold: float,
    align_corners: bool,
    threads: int = 1,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Alpha, float32 (H, W) in 0..1, and the person's own colours, uint8 (H, W, 3).

    A fast guided filter in colour: where the low-resolution `probability`, float32 (h, w), is
    uncertain, alpha is the plane over (r, g, b) that fits it best nearby, taken at the pixels of
    `photo`, uint8 (H, W, 3). At the rim, where 0 < alpha < 1, the old background is taken out of
    the colours. `network_photo`, uint8, is the photo as the network saw it.

    Source: He and Sun, "Fast Guided Filter" (2015); for the colours Forte, "Approximate Fast
    Foreground Colour Estimation" (2021), with means at low resolution.
    """
    height, width = (max(1, side // GUIDE_STEP) for side in network_photo.shape[:2])
    guide = resize(network_photo, (height, width))
    probability = _centre(upsample(probability, height, width, align_corners), threshold)
    confidence = np.rint(255 * _spread(probability, SURENESS)).astype(np.uint8)
    radius = max(1, round(min(height, width) * WINDOW_SHARE))
    planes = np.empty((height, width, 4), np.float32)
    in_strips(
        lambda top, bottom: guided.fit_planes(
            guide, confidence, radius, EPSILON, top, bottom, planes
        ),
        height,
        width * FIT_WORK,
        threads,
    )
    around = radius // 2
    planes = _mean(planes, around)
    decided = _decide_cells(confidence, radius + around)
    share = _spread(_evaluate(planes, guide), CONTRAST)
    maps = np.concatenate([planes, *_nearby_colours(guide, share, 2 * radius)], axis=2)
    return _apply(photo, maps, decided, threads)


def _centre(probability: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
    """The probability with its odds shifted such that the threshold becomes one half."""
    kept = probability * (1 - threshold)
    return np.asarray(kept / (kept + (1 - probability) * threshold), np.float32)


def _spread(share: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    half = np.float32(0.5)
    return np.asarray(np.clip((share - half) * np.float32(factor) + half, 0, 1))


def _decide_cells(confidence: NDArray[np.uint8], reach: int) -> NDArray[np.uint8]:
    """0 or 255 for cells which nothing else reaches, 128 for the others, uint8 (h, w).

    A cell lies between a pixel and its neighbours on the right and below.
    """
    window = np.ones((2 * reach + 2,) * 2, np.uint8)  # one pixel more to the right and below
    anchor, border = (reach, reach), cv2.BORDER_REPLICATE
    least = cv2.erode(confidence, window, anchor=anchor, borderType=border)
    most = cv2.dilate(confidence, window, anchor=anchor, borderType=border)
    return np.where(least == 255, 255, np.where(most == 0, 0, 128)).astype(np.uint8)


def _evaluate(planes: NDArray[np.float32], guide: NDArray[np.uint8]) -> NDArray[np.float32]:
    fit = (planes[..., :3] * (guide / np.float32(255))).sum(axis=2) + planes[..., 3]
    return np.asarray(fit, np.float32)


def _nearby_colours(
    guide: NDArray[np.uint8], share: NDArray[np.float32], radius: int
) -> list[NDArray[np.float32]]:
    """Mean colours of the person and of the background around each pixel, float32 (h, w, 3)."""
    colours = guide.astype(np.float32)
    means = []
    for part in (share, 1 - share):
        weight = (part**3 + np.float32(1e-4))[..., None]  # sure pixels count most
        means.append(_mean(weight * colours, radius) / _mean(weight, radius)[..., None])
    return means


def _mean(maps: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    window = (2 * radius + 1,) * 2
    return np.asarray(cv2.blur(maps, window, borderType=cv2.BORDER_REPLICATE), np.float32)


def _apply(
    photo: NDArray[np.uint8],
    maps: NDArray[np.float32],
    decided: NDArray[np.uint8],
    threads: int,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    height, width = photo.shape[:2]
    before, row_share = find_taps(maps.shape[0], height, align_corners=False)
    columns, column_share = find_taps(maps.shape[1], width, align_corners=False)
    starts = np.searchsorted(columns, np.arange(maps.shape[1] + 1))
    alpha, foreground = np.empty((height, width), np.float32), np.empty_like(photo)

    def refine_strip(top: int, bottom: int) -> None:
        rows = slice(top, bottom)
        foreground[rows] = photo[rows]
        guided.refine(
            photo[rows], maps, decided, before[rows], row_share[rows], starts, column_share,
            np.float32(CONTRAST), alpha[rows], foreground[rows],
        )  # fmt: skip

    in_strips(refine_strip, height, width, threads)
    return alpha, foreground
