"""Histograms to centroids: the checked entries to the K-histogram kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import HistogramError, OptionError
from engine.kernels import palette as kernels
from engine.options import CartoonOptions

DEFAULTS = CartoonOptions()


def k_histogram(hist: ArrayLike, options: CartoonOptions | None = None) -> NDArray[np.float64]:
    """The centroids of one channel, K found from the counts themselves.

    Parameters
    ----------
    hist : 1-d integers, shape (L,), none negative, at least one positive
        Pixels per level: (180,) for hue, (256,) otherwise; any other length works as well.
    options : CartoonOptions
        `split_p_value` and `min_group_levels` rule when a group splits.

    Returns
    -------
    float64, shape (K,), ascending
        They may be fractional; quantisation truncates them.

    Raises
    ------
    HistogramError
        Not 1-d, not integer, negative, without a count, or too large to sum in 64 bits.

    Source
    ------
    K-histogram after Lin et al., IMCEC 2019; the exact rules are in docs/method.md.
    """
    options = options or DEFAULTS
    counts = _check_histogram(hist)
    try:
        return kernels.k_histogram(counts, options.split_p_value, options.min_group_levels)
    except ArithmeticError as error:
        advice = "Lower split_p_value or raise min_group_levels."
        raise OptionError(f"histogram: {error} with these options. {advice}") from error


def update_centroids(
    centroids: ArrayLike, hist: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Centroids moved to their groups' truncated means until the signed moves sum to zero.

    Parameters
    ----------
    centroids : 1-d numbers, shape (K,), K >= 1, finite
    hist : as in `k_histogram`

    Returns
    -------
    centroids : float64 (K,)
        Those before the last move.
    groups : int64 (L,)
        Index of each level's centroid, -1 for a level without a count.

    Raises
    ------
    HistogramError, OptionError
    """
    counts = _check_histogram(hist)
    start = np.array(centroids, np.float64, order="C")
    if start.ndim != 1 or len(start) == 0 or not np.isfinite(start).all():
        raise OptionError(f"centroids of shape {start.shape}: expected one or more finite numbers.")
    try:
        return kernels.update_centroids(start, counts)
    except ArithmeticError as error:
        raise OptionError(f"histogram: {error} from this start.") from error


def _check_histogram(hist: ArrayLike) -> NDArray[np.int64]:
    try:
        counts: NDArray[Any] = np.asarray(hist)
    except ValueError:
        raise HistogramError("histogram: ragged; expected 1-d integer counts.") from None
    if counts.ndim != 1 or counts.dtype.kind not in "iu":
        raise HistogramError(
            f"histogram: {counts.dtype} of shape {counts.shape}; expected 1-d integer counts."
        )
    if counts.dtype.kind == "u" and counts.size and counts.max() >= 2**63:
        raise HistogramError(f"histogram: {_FLAWS[kernels.TOO_MANY]}.")
    counts = np.array(counts, np.int64, order="C")
    flaw = kernels.find_flaw(counts)
    if flaw:
        raise HistogramError(f"histogram: {_FLAWS[flaw]}.")
    return counts


_FLAWS = {
    kernels.EMPTY: "it counts no pixel; expected at least one",
    kernels.NEGATIVE: "a count is negative; expected none below zero",
    kernels.TOO_MANY: "its pixels are too many to sum in 64 bits",
}
