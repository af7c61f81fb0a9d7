"""The K-histogram kernels against the reference, SciPy and the golden cases, bit for bit."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy.stats import normaltest

from engine.kernels import palette as kernels
from engine.reference import palette as reference
from engine.reference.stylise import quantise

P, N = 0.001, 80
RNG_SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def histograms(draw):
    """Counts as they may come: sparse, flat, spiked, smooth, with ties, symmetric, huge."""
    length = draw(st.sampled_from([1, 2, 5, 79, 80, 81, 128, 129, 180, 255, 256, 300]))
    rng = np.random.default_rng(draw(RNG_SEEDS))
    kind = draw(
        st.sampled_from(["sparse", "flat", "spiked", "smooth", "ties", "symmetric", "huge", "one"])
    )
    levels = np.arange(length)
    if kind == "sparse":
        hist = rng.integers(0, 1000, length) * (rng.random(length) < rng.random())
    elif kind == "flat":
        hist = np.full(length, rng.integers(1, 10**6))
    elif kind == "spiked":
        hist = rng.integers(0, 3, length)
        hist[rng.integers(0, length, 3)] += 10**8
    elif kind == "smooth":
        centre, width = rng.random(2) * length
        hist = (1e6 * np.exp(-(((levels - centre) / (width + 1)) ** 2))).astype(np.int64)
    elif kind == "ties":
        hist = rng.integers(0, 2, length) * 7
    elif kind == "symmetric":
        half = rng.integers(0, 50, (length + 1) // 2)
        hist = np.concatenate([half, half[: length // 2][::-1]])
    elif kind == "huge":
        hist = rng.integers(0, 2**40, length)
    else:
        hist = np.zeros(length, np.int64)
    hist = hist.astype(np.int64)
    hist[rng.integers(0, length)] += hist.sum() == 0
    return hist


def only(length, *levels):
    hist = np.zeros(length, np.int64)
    hist[list(levels)] = 1
    return hist


@given(histograms())
@example(only(256, 3, 200))
@example(only(180, 0, 179))
@example(only(256, 255))
@example(np.ones(256, np.int64))
def test_k_histogram_equals_reference(hist):
    assert_array_equal(kernels.k_histogram(hist, P, N), reference.k_histogram(hist, P, N))


@given(histograms(), st.sampled_from([0.0, 0.05, 0.5, 1.0]), st.integers(8, 256))
def test_k_histogram_equals_reference_for_any_options(hist, split_p_value, min_group_levels):
    got = kernels.k_histogram(hist, split_p_value, min_group_levels)
    assert_array_equal(got, reference.k_histogram(hist, split_p_value, min_group_levels))


@given(histograms(), st.lists(st.floats(-10, 300), min_size=1, max_size=20))
def test_update_centroids_equals_reference_for_any_start(hist, start):
    start = np.array(start)
    got = kernels.update_centroids(start, hist)
    expected = reference.update_centroids(start, hist)
    assert_array_equal(got[0], expected[0])
    assert_array_equal(got[1], expected[1])


def test_k_histogram_equals_golden(golden):
    cases = golden("k_histogram")
    for hist, levels, centroids, k in zip(
        cases["histograms"], cases["levels"], cases["centroids"], cases["k"], strict=True
    ):
        hist = np.ascontiguousarray(hist[:levels])
        assert_array_equal(kernels.k_histogram(hist, P, N), centroids[:k])
        assert_array_equal(reference.k_histogram(hist, P, N), centroids[:k])


@pytest.mark.parametrize("update", [kernels.update_centroids, reference.update_centroids])
def test_moves_that_cancel_stop_the_update(update):
    hist = np.zeros(256, np.int64)
    # Groups {10, 20} of mean 18 and {30, 40} of mean 32: moves of +1 and -1.
    hist[[10, 20, 30, 40]] = 2, 8, 8, 2
    centroids, groups = update(np.array([17.0, 33.0]), hist)
    assert centroids.tolist() == [17, 33]
    assert groups[[10, 20, 30, 40]].tolist() == [0, 0, 1, 1]
    assert groups[0] == -1


@pytest.mark.parametrize("update", [kernels.update_centroids, reference.update_centroids])
def test_a_tie_goes_to_the_lower_index_and_empty_centroids_stay(update):
    centroids, groups = update(np.array([10.0, 20.0, 90.5]), only(256, 15))
    assert groups[15] == 0
    assert centroids.tolist() == [15, 20, 90.5]


@given(st.integers(8, 256), RNG_SEEDS, st.sampled_from(["any", "mirrored", "few", "near equal"]))
@pytest.mark.slow
def test_p_value_equals_scipy(n, seed, kind):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 10 ** rng.integers(1, 12), n).astype(np.float64)
    if kind == "mirrored":
        values[n // 2 :] = values.max() - values[: n - n // 2]
    elif kind == "few":
        values = np.floor(values / (values.max() + 1) * 2)
    elif kind == "near equal":
        values = np.full(n, 1e15) + (values > np.median(values))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        expected = normaltest(values).pvalue
    got = kernels.normality_p_value(values, n)
    # The same sums; log, exp and pow may round differently in the last place.
    assert math.isnan(got) == math.isnan(expected)
    assert math.isnan(got) or got == pytest.approx(expected, rel=1e-9, abs=1e-300)


@given(st.integers(0, 3000), RNG_SEEDS)
def test_pairwise_sum_rounds_as_numpy(n, seed):
    values = np.random.default_rng(seed).normal(size=n) * 1e6
    assert kernels.pairwise_sum(values, n) == values.sum()


@given(st.lists(st.floats(0, 255), min_size=1, max_size=12))
def test_quantise_table_equals_reference(centroids):
    centroids = np.array(sorted(centroids))
    levels = np.arange(256, dtype=np.uint8)
    assert_array_equal(kernels.quantise_table(centroids), quantise(levels, centroids))


def test_quantising_a_tie_takes_the_lower_centroid_truncated():
    table = kernels.quantise_table(np.array([10.5, 19.5]))
    assert table[15] == 10
    assert table[16] == 19
