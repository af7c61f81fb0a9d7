"""The K-histogram as compiled loops; same contract as engine/reference/palette.py.

The normality test takes every sum in NumPy's order and every formula in SciPy's, so that the
borderline cases (a skewness of exactly zero, a variance lost in rounding) fall on the same side.
"""

from __future__ import annotations

import math

import numpy as np

from engine.kernels.jit import helper, kernel

FIRST_CENTROID = 128.0
MAX_ROUNDS = 10_000
EMPTY, NEGATIVE, TOO_MANY = 1, 2, 3
MOST_WEIGHT = 2**63 - 1
EPSILON = 2.220446049250313e-16  # of float64


@helper
def _block_sum(values: np.ndarray, start: int, stop: int) -> float:
    """Eight running sums, as in NumPy's loop over at most 128 values."""
    total = 0.0
    i = start
    if stop - start >= 8:
        a, b, c, d = values[i], values[i + 1], values[i + 2], values[i + 3]
        e, f, g, h = values[i + 4], values[i + 5], values[i + 6], values[i + 7]
        i += 8
        while i + 8 <= stop:
            a += values[i]
            b += values[i + 1]
            c += values[i + 2]
            d += values[i + 3]
            e += values[i + 4]
            f += values[i + 5]
            g += values[i + 6]
            h += values[i + 7]
            i += 8
        total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    while i < stop:
        total += values[i]
        i += 1
    return total


@helper
def pairwise_sum(values: np.ndarray, n: int) -> float:
    """Sum of the first `n` values, float64, in the order of `np.sum`."""
    if n <= 128:
        return _block_sum(values, 0, n)
    # NumPy halves recursively down to blocks of 128; a stack, because recursion cannot be cached.
    pending, sums = np.empty((128, 2), np.int64), np.empty(128)
    pending[0] = 0, n
    waiting, summed = 1, 0
    while waiting > 0:
        waiting -= 1
        start, stop = pending[waiting]
        if start < 0:  # both halves are summed
            summed -= 1
            sums[summed - 1] += sums[summed]
        elif stop - start <= 128:
            sums[summed] = _block_sum(values, start, stop)
            summed += 1
        else:
            half = (stop - start) // 2
            half -= half % 8
            pending[waiting] = -1, -1
            pending[waiting + 1] = start + half, stop
            pending[waiting + 2] = start, start + half
            waiting += 3
    return sums[0]


@helper
def _skewness_z(skewness: float, n: float) -> float:
    """Z of the sample skewness (D'Agostino 1970)."""
    y = skewness * math.sqrt(((n + 1) * (n + 3)) / (6.0 * (n - 2)))
    beta2 = (
        3.0 * (n**2 + 27 * n - 70) * (n + 1) * (n + 3)
        / ((n - 2.0) * (n + 5) * (n + 7) * (n + 9))
    )  # fmt: skip
    w2 = -1 + math.sqrt(2 * (beta2 - 1))
    delta = 1 / math.sqrt(0.5 * math.log(w2))
    alpha = math.sqrt(2.0 / (w2 - 1))
    if y == 0:
        y = 1.0  # SciPy's quirk: no skew at all is taken for y = 1.
    return delta * math.log(y / alpha + math.sqrt((y / alpha) ** 2 + 1))


@helper
def _kurtosis_z(kurtosis: float, n: float) -> float:
    """Z of the sample kurtosis (Anscombe and Glynn 1983)."""
    expected = 3.0 * (n - 1) / (n + 1)
    variance = 24.0 * n * (n - 2) * (n - 3) / ((n + 1) * (n + 1.0) * (n + 3) * (n + 5))
    x = (kurtosis - expected) / variance**0.5
    root_beta1 = (
        6.0 * (n * n - 5 * n + 2) / ((n + 7) * (n + 9))
        * ((6.0 * (n + 3) * (n + 5)) / (n * (n - 2) * (n - 3))) ** 0.5
    )  # fmt: skip
    a = 6.0 + 8.0 / root_beta1 * (2.0 / root_beta1 + (1 + 4.0 / (root_beta1**2)) ** 0.5)
    denominator = 1 + x * (2 / (a - 4.0)) ** 0.5
    if denominator == 0:
        return math.nan
    root = math.copysign(((1 - 2.0 / a) / abs(denominator)) ** (1 / 3), denominator)
    return (1 - 2 / (9.0 * a) - root) / (2 / (9.0 * a)) ** 0.5


@helper
def normality_p_value(values: np.ndarray, n: int) -> float:
    """p of D'Agostino-Pearson's test on the first `n` values, n >= 8; NaN where undefined."""
    mean = pairwise_sum(values, n) / n
    squares, cubes, fourths = np.empty(n), np.empty(n), np.empty(n)
    for i in range(n):
        deviation = values[i] - mean
        squares[i] = deviation * deviation
        cubes[i] = squares[i] * deviation
        fourths[i] = squares[i] * squares[i]
    m2 = pairwise_sum(squares, n) / n
    m3 = pairwise_sum(cubes, n) / n
    m4 = pairwise_sum(fourths, n) / n
    if m2 <= (EPSILON * mean) ** 2:
        return math.nan
    z_skewness = _skewness_z(m3 / m2**1.5, float(n))
    z_kurtosis = _kurtosis_z(m4 / m2**2.0, float(n))
    # Chi-squared with two degrees of freedom.
    return math.exp(-(z_skewness * z_skewness + z_kurtosis * z_kurtosis) / 2)


@helper
def nearest(centroids: np.ndarray, level: int) -> int:
    """Index of the centroid nearest to `level`; a tie goes to the lower index."""
    best = 0
    for index in range(1, len(centroids)):
        if abs(centroids[index] - level) < abs(centroids[best] - level):
            best = index
    return best


def update_centroids(centroids: np.ndarray, hist: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Settled centroids, float64 (K,), and each level's group, int64 (L,); see the reference."""
    settled, group_of_level = centroids.copy(), np.empty(len(hist), np.int64)
    if not _update_centroids(settled, hist, group_of_level):
        raise ArithmeticError("the centroids do not settle")
    return settled, group_of_level


@kernel("int64(float64[::1], int64[::1], int64[::1])")
def _update_centroids(centroids: np.ndarray, hist: np.ndarray, group_of_level: np.ndarray) -> bool:
    """Whether the centroids, which are moved in place, settle."""
    k = len(centroids)
    weighted, counted = np.empty(k, np.int64), np.empty(k, np.int64)
    moved, moves = np.empty(k), np.empty(k)
    for _ in range(MAX_ROUNDS):
        weighted[:] = 0
        counted[:] = 0
        for level in range(len(hist)):
            group = -1
            if hist[level] > 0:
                group = nearest(centroids, level)
                weighted[group] += level * hist[level]
                counted[group] += hist[level]
            group_of_level[level] = group
        for index in range(k):
            moved[index] = centroids[index]
            if counted[index] > 0:
                moved[index] = int(float(weighted[index]) / float(counted[index]))
            moves[index] = moved[index] - centroids[index]
        if pairwise_sum(moves, k) == 0:
            return True
        for index in range(k):
            centroids[index] = moved[index]
    return False


@helper
def _ascending_set(values: np.ndarray) -> np.ndarray:
    """The distinct values, sorted; by insertion, because they come nearly sorted."""
    kept = 0
    for value in values:
        place = kept
        while place > 0 and values[place - 1] > value:
            place -= 1
        if place > 0 and values[place - 1] == value:
            continue
        for i in range(kept, place, -1):
            values[i] = values[i - 1]
        values[place] = value
        kept += 1
    return values[:kept].copy()


@helper
def _find_groups(centroids: np.ndarray, starts: np.ndarray) -> None:
    """The first level of each group, and the end of the last one; ascending centroids, no doubles.

    A level halfway between two belongs to the lower: the same as comparing distances, for
    centroids are whole numbers halved a few times, exact in float64.
    """
    levels = starts[len(centroids)]
    for index in range(1, len(centroids)):
        halfway = (centroids[index - 1] + centroids[index]) / 2
        starts[index] = min(math.floor(halfway) + 1, levels)


@helper
def _settle(
    centroids: np.ndarray, counted: np.ndarray, weighted: np.ndarray, starts: np.ndarray
) -> bool:
    """`_update_centroids` by running sums over the levels; they stay ascending.

    For a centroid moves within its own cell.
    """
    k = len(centroids)
    moved = np.empty(k)
    starts[0], starts[k] = 0, len(counted) - 1
    for _ in range(MAX_ROUNDS):
        _find_groups(centroids, starts)
        total = 0.0
        for index in range(k):
            count = counted[starts[index + 1]] - counted[starts[index]]
            moved[index] = centroids[index]
            if count > 0:
                weight = weighted[starts[index + 1]] - weighted[starts[index]]
                moved[index] = int(float(weight) / float(count))
            total += moved[index] - centroids[index]
        if total == 0:
            return True
        for index in range(k):
            centroids[index] = moved[index]
    return False


@helper
def _split_groups(
    centroids: np.ndarray,
    starts: np.ndarray,
    hist: np.ndarray,
    split_p_value: float,
    min_group_levels: int,
) -> np.ndarray:
    """The next set of centroids, ascending, without doubles."""
    k = len(centroids)
    refined, size = np.empty(2 * k), 0
    counts = np.empty(len(hist))
    for index in range(k):
        n = 0
        for level in range(starts[index], starts[index + 1]):
            if hist[level] > 0:
                counts[n] = hist[level]
                n += 1
        if n == 0:
            continue
        left = centroids[index - 1] if index > 0 else 0.0
        right = centroids[index + 1] if index < k - 1 else len(hist) - 1.0
        if (
            n >= min_group_levels
            and right - left >= 3
            and normality_p_value(counts, n) < split_p_value
        ):
            refined[size] = (centroids[index] + left) / 2
            refined[size + 1] = (centroids[index] + right) / 2
            size += 2
        else:
            refined[size] = centroids[index]
            size += 1
    return _ascending_set(refined[:size])


@helper
def _running_sums(hist: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels, and sum of their levels, below each level, int64 (L + 1,)."""
    counted, weighted = np.empty(len(hist) + 1, np.int64), np.empty(len(hist) + 1, np.int64)
    counted[0] = weighted[0] = 0
    for level in range(len(hist)):
        counted[level + 1] = counted[level] + hist[level]
        weighted[level + 1] = weighted[level] + level * hist[level]
    return counted, weighted


def k_histogram(hist: np.ndarray, split_p_value: float, min_group_levels: int) -> np.ndarray:
    """Centroids, float64 (K,), of counts, int64 (L,); see the reference."""
    found = np.empty(2 * len(hist))
    count = _k_histogram(hist, split_p_value, min_group_levels, found)
    if count < 0:
        raise ArithmeticError(_UNSETTLED[count])
    return found[:count]


_UNSETTLED = {
    -1: "the centroids do not settle", -2: "the number of centroids does not settle"
}  # fmt: skip


@kernel("int64(int64[::1], float64, int64, float64[::1])")
def _k_histogram(
    hist: np.ndarray, split_p_value: float, min_group_levels: int, found: np.ndarray
) -> int:
    """How many centroids there are, in `found`; below 0 where they do not settle.

    There are never more than 2 L: each group has a level with a count, and becomes two at most.
    """
    counted, weighted = _running_sums(hist)
    centroids = np.full(1, FIRST_CENTROID)
    for _ in range(MAX_ROUNDS):
        starts = np.empty(len(centroids) + 1, np.int64)
        if not _settle(centroids, counted, weighted, starts):
            return -1
        refined = _split_groups(centroids, starts, hist, split_p_value, min_group_levels)
        if len(refined) == len(centroids):
            for index in range(len(centroids)):
                found[index] = centroids[index]
            return len(centroids)
        centroids = refined
    return -2


@kernel("int64(int64[::1])")
def find_flaw(hist: np.ndarray) -> int:
    """What keeps counts from being a histogram: EMPTY, NEGATIVE or TOO_MANY; 0 if nothing does."""
    limit = MOST_WEIGHT // max(len(hist), 1)  # so that counts times levels fit into 64 bits
    total = np.int64(0)
    for level in range(len(hist)):
        if hist[level] < 0:
            return NEGATIVE
        if hist[level] > limit - total:
            return TOO_MANY
        total += hist[level]
    return 0 if total > 0 else EMPTY


def quantise_table(centroids: np.ndarray) -> np.ndarray:
    """The nearest centroid of each level 0..255, truncated, uint8 (256,)."""
    table = np.empty(256, np.uint8)
    _fill_table(centroids, table)
    return table


@kernel("void(float64[::1], uint8[::1])")
def _fill_table(centroids: np.ndarray, table: np.ndarray) -> None:
    for level in range(256):
        table[level] = int(centroids[nearest(centroids, level)])
