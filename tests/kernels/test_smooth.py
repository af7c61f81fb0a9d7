"""The domain transform's kernels against the reference, bit for bit."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from engine.kernels import smooth as kernels
from engine.reference import smooth as reference

seeds = st.integers(0, 2**32 - 1)
sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))
alphas = st.sampled_from([(0.0, 1.0), (0.0,), (1.0,), (0.3,), (-0.1, 0.0, 0.15, 0.5, 0.995, 1.1)])


def smooth(lab, alpha, across, down, feedback):
    """All kernels in order, the rows and columns in two strips, the later ones first."""
    height, width = alpha.shape
    planes = np.empty((height, kernels.PLANES, width), np.float32)
    smoothed = np.empty((height, width, 3), np.float32)
    for top, bottom in halves(height):
        kernels.weigh(lab, alpha, top, bottom, planes)
        kernels.filter_rows(planes, across, feedback, top, bottom)
    for left, right in halves(width):
        kernels.filter_columns(planes, down, feedback, left, right)
    for top, bottom in halves(height):
        kernels.divide(planes, top, bottom, smoothed)
    return smoothed


def halves(length):
    return (length // 3, length), (0, length // 3)


def smooth_reference(lab, alpha, across, down, feedback):
    planes = reference.filter_rows(reference.weigh(lab, alpha), across, feedback)
    return reference.divide(reference.filter_columns(planes, down, feedback))


def make_steps(rng, size):
    """For rows and for columns."""
    return rng.integers(0, 256, size[::-1], np.uint8), rng.integers(0, 256, size, np.uint8)


@given(seeds, sizes, alphas)
@example(0, (1, 70), (0.0, 1.0))
@example(0, (70, 1), (0.0, 1.0))
def test_unmixed_colours_equal_the_reference(seed, size, levels):
    rng = np.random.default_rng(seed)
    colours = rng.integers(0, 256, (*size, 3), np.uint8)
    alpha = rng.choice(np.array(levels, np.float32), size)
    expected_colours, expected_alpha = reference.unmix_white(colours, alpha)
    kernels.unmix_white(colours, alpha)
    assert_array_equal(colours, expected_colours)
    assert_array_equal(alpha, expected_alpha)


def test_white_is_taken_out_of_a_mixed_pixel():
    colours = np.array([[[255, 128, 191], [255, 128, 191], [10, 20, 30]]], np.uint8)
    alpha = np.array([[0.5, 0.1, 1.0]], np.float32)
    kernels.unmix_white(colours, alpha)
    assert_array_equal(colours[0], [[255, 1, 127], [255, 128, 191], [10, 20, 30]])


@given(seeds, sizes, alphas)
@example(0, (1, 70), (0.0, 1.0))
@example(0, (70, 1), (0.3,))
def test_smoothed_pixels_equal_the_reference(seed, size, levels):
    rng = np.random.default_rng(seed)
    lab = rng.integers(0, 256, (*size, 3), np.uint8)
    alpha = rng.choice(np.clip(np.array(levels, np.float32), 0, 1), size)
    inputs = lab, alpha, *make_steps(rng, size), rng.random((2, 256), np.float32)
    assert_array_equal(smooth(*inputs), smooth_reference(*inputs))


@pytest.mark.parametrize("level", [0, 128, 255])
def test_one_colour_stays_itself(level):
    lab = np.full((20, 30, 3), level, np.uint8)
    rng = np.random.default_rng(0)
    alpha = rng.choice(np.array([0, 1], np.float32), (20, 30))
    smoothed = smooth(lab, alpha, *make_steps(rng, (20, 30)), rng.random((2, 256), np.float32))
    expected = np.array([level / 2.55, level - 128, level - 128])
    # The weights fade to 1e-4, and single precision keeps about seven digits.
    assert_allclose(smoothed, np.broadcast_to(expected, smoothed.shape), atol=1e-2)


def test_nothing_passes_a_barrier():
    lab = np.zeros((8, 20, 3), np.uint8)
    lab[:, 10:] = 200
    across = np.zeros((20, 8), np.uint8)
    across[10] = 255
    feedback = np.where(np.arange(256) < 255, 0.9, 0).astype(np.float32) * np.ones(
        (2, 1), np.float32
    )
    down = np.zeros((8, 20), np.uint8)
    smoothed = smooth(lab, np.ones((8, 20), np.float32), across, down, feedback)
    assert_allclose(smoothed[:, :10, 0], 0, atol=1e-4)
    assert_allclose(smoothed[:, 10:, 0], 200 / 2.55, rtol=1e-5)


def test_colours_go_on_where_there_is_no_alpha():
    lab = np.full((1, 20, 3), 255, np.uint8)
    lab[:, :10] = 50
    alpha = np.zeros((1, 20), np.float32)
    alpha[:, :10] = 1
    feedback = np.full((2, 256), 0.8, np.float32)
    steps = np.zeros((20, 1), np.uint8), np.zeros((1, 20), np.uint8)
    smoothed = smooth(lab, alpha, *steps, feedback)
    assert_allclose(smoothed[0, :12, 0], 50 / 2.55, atol=0.5)
