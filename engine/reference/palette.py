"""K-histogram: from the counts per level of one channel to its centroids, K found on the way.

After Lin et al., "K-histogram" (IMCEC 2019), with the constants and the stop rule of
docs/method.md. SciPy's `normaltest` is the arbiter of what counts as normal.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.stats import normaltest

FIRST_CENTROID = 128.0
MAX_ROUNDS = 10_000


def k_histogram(
    hist: np.ndarray, split_p_value: float = 0.001, min_group_levels: int = 80
) -> np.ndarray:
    """Centroids, float64 (K,), ascending, of `hist`, int64 (L,) with a positive sum.

    Raises ArithmeticError when the centroids do not settle in `MAX_ROUNDS` rounds.
    """
    centroids = np.array([FIRST_CENTROID])
    for _ in range(MAX_ROUNDS):
        centroids, group_of_level = update_centroids(centroids, hist)
        refined = _split_groups(centroids, group_of_level, hist, split_p_value, min_group_levels)
        if len(refined) == len(centroids):
            return centroids
        centroids = refined
    raise ArithmeticError("the number of centroids does not settle")


def update_centroids(centroids: np.ndarray, hist: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centroids moved to the truncated means of their groups until the moves sum to zero.

    Returns the centroids *before* the last move, float64 (K,), and the index of each level's
    group among them, int64 (L,), -1 for an empty level.
    """
    centroids = np.array(centroids, np.float64)
    levels = np.arange(len(hist))
    for _ in range(MAX_ROUNDS):
        distance = np.abs(centroids[None, :] - levels[:, None])
        group_of_level = np.where(hist > 0, distance.argmin(axis=1), -1)
        moved = centroids.copy()
        for index in range(len(centroids)):
            group = levels[group_of_level == index]
            if len(group):
                # The quotient is truncated: a centroid lands on a whole level.
                moved[index] = int(np.sum(group * hist[group]) / np.sum(hist[group]))
        # A signed sum, so moves that cancel stop it as well.
        if np.sum(moved - centroids) == 0:
            return centroids, group_of_level
        centroids = moved
    raise ArithmeticError("the centroids do not settle")


def _split_groups(
    centroids: np.ndarray,
    group_of_level: np.ndarray,
    hist: np.ndarray,
    split_p_value: float,
    min_group_levels: int,
) -> np.ndarray:
    """Each centroid kept, split in two, or dropped where no level chose it; sorted, merged."""
    refined: set[float] = set()
    last = len(centroids) - 1
    for index, centroid in enumerate(centroids):
        counts = hist[group_of_level == index]
        if len(counts) == 0:
            continue
        left = centroids[index - 1] if index > 0 else 0.0
        right = centroids[index + 1] if index < last else len(hist) - 1.0
        if (
            len(counts) >= min_group_levels
            and _p_of_normality(counts) < split_p_value
            and right - left >= 3
        ):
            refined |= {(centroid + left) / 2, (centroid + right) / 2}
        else:
            refined.add(float(centroid))
    return np.array(sorted(refined))


def _p_of_normality(counts: np.ndarray) -> float:
    """D'Agostino-Pearson's p; NaN where it is undefined, as for equal counts."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return float(normaltest(counts).pvalue)
