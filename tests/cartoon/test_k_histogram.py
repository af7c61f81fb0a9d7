"""The public entries to the K-histogram: what they take and what they refuse."""

import numpy as np
import pytest

import engine


def test_levels_far_apart_give_one_centroid_between_them():
    hist = np.zeros(256, int)
    hist[[3, 200]] = 1
    assert engine.k_histogram(hist).tolist() == [101]


def test_both_ends_of_red_hue_give_cyan():
    hist = np.zeros(180, int)
    hist[[0, 179]] = 1
    assert engine.k_histogram(hist).tolist() == [89]


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64, ">i4"])
def test_any_integer_dtype_layout_and_list_gives_the_same(dtype):
    hist = np.random.default_rng(0).integers(0, 200, 512)
    expected = engine.k_histogram(hist[::2].tolist())
    strided = hist.astype(dtype)[::2]
    strided.flags.writeable = False
    assert engine.k_histogram(strided).tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("hist", "reason"),
    [
        ([], "1-d integer|no pixel"),
        (np.zeros(256, int), "no pixel"),
        (np.ones((2, 128), int), "1-d integer"),
        (np.ones(256), "1-d integer"),
        (np.ones(256, bool), "1-d integer"),
        (5, "1-d integer"),
        ([[1], [2, 3]], "1-d integer"),
        ([1, 2, -1], "below zero"),
        (np.full(256, 2**62), "64 bits"),
        (np.array([2**64 - 1], np.uint64), "64 bits"),
    ],
)
@pytest.mark.parametrize("entry", ["k_histogram", "update_centroids"])
def test_what_is_no_histogram_is_refused(hist, reason, entry):
    call = {
        "k_histogram": lambda: engine.k_histogram(hist),
        "update_centroids": lambda: engine.update_centroids([128], hist),
    }[entry]
    with pytest.raises(engine.HistogramError, match=reason):
        call()


@pytest.mark.parametrize("centroids", [[], [[1.0]], [np.nan], [np.inf]])
def test_centroids_that_are_none_are_refused(centroids):
    with pytest.raises(engine.OptionError, match="centroids"):
        engine.update_centroids(centroids, np.ones(256, int))


def test_update_does_not_change_its_arguments():
    centroids, hist = np.array([10.0, 250.0]), np.arange(256)
    engine.update_centroids(centroids, hist)
    assert centroids.tolist() == [10, 250]
    assert hist.tolist() == list(range(256))
