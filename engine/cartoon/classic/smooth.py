"""The bilateral filter of the method: OpenCV's, or a kernel's where both give the same."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.kernels import bilateral
from engine.strips import in_strips

DIAMETER = 5
MARGIN = DIAMETER // 2
LEAST_ROWS = 5
"""OpenCV rounds all of a lower picture as it does at the sides."""
SIDE = 8
"""Pixels of each side: OpenCV rounds corners in another way if both have less."""


def smooth(
    planes: Sequence[NDArray[np.uint8]], sigma: float, threads: int = 1
) -> NDArray[np.uint8]:
    """Planes of one size, uint8 (N, H, W), each filtered on its own as by OpenCV."""
    height, width = planes[0].shape
    if height < LEAST_ROWS or width < bilateral.BLOCK or not _is_exact(sigma, cv2.ipp.useIPP()):
        return np.stack([_by_opencv(plane, sigma) for plane in planes])
    return _by_kernel(planes, sigma, threads)


@functools.lru_cache(maxsize=64)
def _is_exact(sigma: float, uses_ipp: bool) -> bool:
    """Whether the kernel runs here and gives what OpenCV gives, with IPP or without."""
    # OpenCV handles weights that are zero, or nearly so, in another way.
    is_normal = bilateral.least_weight(sigma) >= np.finfo(np.float32).tiny
    if not is_normal or not bilateral.smooth.is_usable:
        return False
    picture = _make_delicate_picture()
    return np.array_equal(_by_kernel([picture], sigma, 1)[0], _by_opencv(picture, sigma))


def _by_opencv(plane: NDArray[np.uint8], sigma: float) -> NDArray[np.uint8]:
    return np.asarray(cv2.bilateralFilter(plane, DIAMETER, sigma, sigma), np.uint8)


def _by_kernel(
    planes: Sequence[NDArray[np.uint8]], sigma: float, threads: int
) -> NDArray[np.uint8]:
    """At the sides OpenCV rounds to the nearest level, and adds in another order: they are its."""
    border = (MARGIN,) * 4
    padded = [cv2.copyMakeBorder(plane, *border, cv2.BORDER_REFLECT_101) for plane in planes]
    weights = bilateral.find_weights(sigma)
    height, width = planes[0].shape
    out = np.empty((len(planes), height, width), np.uint8)

    def filter_rows(top: int, bottom: int) -> None:
        for source, target in zip(padded, out, strict=True):
            bilateral.smooth(source, *weights, top, bottom, target)

    in_strips(filter_rows, height, width, threads)
    for plane, target in zip(planes, out, strict=True):
        sides = _by_opencv(np.hstack([plane[:, :SIDE], plane[:, -SIDE:]]), sigma)
        target[:, :MARGIN], target[:, -MARGIN:] = sides[:, :MARGIN], sides[:, -MARGIN:]
    return out


@functools.cache
def _make_delicate_picture() -> NDArray[np.uint8]:
    """Random pixels, and squares whose mean is their centre's level but for how it is rounded.

    There, opposite pixels differ by as much in either way, so that the last bit of a weight or
    another order of the sums changes one level in five.
    """
    random = np.random.default_rng(0)
    difference = np.arange(128).repeat(40)[:, None]
    centre = random.integers(difference, 256 - difference)
    half = difference * random.integers(-1, 2, (len(centre), DIAMETER**2 // 2))
    squares = centre + np.hstack([half, np.zeros_like(centre), -half[:, ::-1]])
    rows = squares.reshape(64, -1, DIAMETER, DIAMETER).transpose(0, 2, 1, 3).reshape(320, -1)
    return np.vstack([rows, random.integers(0, 256, rows.shape)]).astype(np.uint8)
