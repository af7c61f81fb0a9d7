"""How far a cartoon is from its cut-out."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.errors import PhotoError
from engine.kernels.metrics import WINDOW, squared_error, sum_ssim
from engine.strips import in_strips
from engine.threads import usable_threads


def mse(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Squared difference summed over pixels and channels, divided by height x width.

    `a` and `b` are uint8 (H, W) or (H, W, C), of one shape. Raises PhotoError otherwise.
    """
    a, b = _check_pair(a, b)
    return squared_error(a, b) / int(a.shape[0] * a.shape[1])


def log_mse(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """The natural logarithm of `mse`; minus infinity for equal pictures."""
    error = mse(a, b)
    return math.log(error) if error > 0 else -math.inf


def ssim(a: NDArray[np.uint8], b: NDArray[np.uint8], *, threads: int | None = None) -> float:
    """Mean structural similarity, at most 1: 7 x 7 uniform window, sample covariance.

    Equal to scikit-image's `structural_similarity` with `channel_axis` within 1e-9. NaN when
    a side is below 7 pixels, where no window fits. Runs on all threads that the process may use,
    unless `threads` is given.
    Arguments and errors as for `mse`.

    Source: Wang et al., IEEE Transactions on Image Processing 13 (2004).
    """
    a, b = _check_pair(a, b)
    if min(a.shape[:2]) < WINDOW:
        return math.nan
    height, width, channels = a.shape
    a, b = a.reshape(height, -1), b.reshape(height, -1)
    rows, columns = height - WINDOW + 1, width - WINDOW + 1
    sums = in_strips(
        lambda top, bottom: sum_ssim(a, b, channels, top, bottom),
        rows, width, usable_threads(threads),
    )  # fmt: skip
    return float(sum(sums) / (rows * columns * channels))


def _check_pair(
    a: NDArray[np.uint8], b: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Both as writable contiguous (H, W, C)."""
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype != np.uint8 or b.dtype != np.uint8 or a.shape != b.shape:
        raise PhotoError(
            f"pictures: {a.dtype} {a.shape} and {b.dtype} {b.shape}; expected two of uint8, alike."
        )
    if a.ndim not in (2, 3) or a.size == 0:
        raise PhotoError(f"pictures of shape {a.shape}; expected (H, W) or (H, W, C) with pixels.")
    a, b = (np.require(x.reshape(*x.shape[:2], -1), requirements=["C", "W"]) for x in (a, b))
    return a, b
