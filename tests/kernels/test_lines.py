"""Ink lines' kernels against the reference, bit for bit."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from engine.kernels import lines as kernels
from engine.reference import lines as reference

seeds = st.integers(0, 2**32 - 1)
sizes = st.tuples(st.integers(1, 20), st.integers(1, 20))
FLOOR = np.float32(0.26)


def find_tensor(light):
    tensor = np.empty((*light.shape, 3), np.float32)
    kernels.find_tensor(light, tensor)
    return tensor


def find_tangent(tensor):
    tangent = np.empty((*tensor.shape[:2], 2), np.float32)
    kernels.find_tangent(tensor, tangent)
    return tangent


def average_along(response, tangent, weights, stride, gain):
    """The kernel, in two strips."""
    average, height = np.empty_like(response), len(response)
    for top, bottom in ((height // 3, height), (0, height // 3)):
        kernels.average_along(response, tangent, weights, stride, gain, FLOOR, top, bottom, average)
    return average


def drop_weak(level, strong, least):
    level = level.copy()
    kernels.drop_weak(level, strong, least, np.float32(-1))
    return level


def reduced(size, divisor):
    return tuple(-(-side // divisor) for side in size)


@given(seeds, sizes, st.sampled_from([1, 50]))
@example(0, (1, 90), 1)
@example(0, (90, 1), 1)
def test_the_flow_equals_the_reference(seed, size, steepness):
    rng = np.random.default_rng(seed)
    light = (steepness * rng.integers(0, 3, size)).astype(np.float32)
    tensor = find_tensor(light)
    assert_array_equal(tensor, reference.find_tensor(light))
    assert_array_equal(find_tangent(tensor), reference.find_tangent(tensor))


@given(seeds, sizes)
def test_the_flow_of_any_tensor_equals_the_reference(seed, size):
    tensor = np.random.default_rng(seed).uniform(0, 9, (*size, 3)).astype(np.float32)
    assert_array_equal(find_tangent(tensor), reference.find_tangent(tensor))


@pytest.mark.parametrize("angle", [0, 30, 90, 135])
def test_the_flow_runs_along_an_edge(angle):
    across = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    y, x = np.mgrid[:12, :12]
    light = (5 * (across[0] * x + across[1] * y)).astype(np.float32)
    tangent = find_tangent(find_tensor(light))[1:-1, 1:-1]
    assert_allclose(np.hypot(*tangent.T), 1, rtol=1e-5)
    assert_allclose(tangent @ np.array(across, np.float32), 0, atol=1e-4)


@given(seeds, sizes, st.integers(1, 8), st.sampled_from([1.0, 1.5, 4.0]))
@example(0, (1, 90), 5, 1.0)
@example(0, (90, 1), 5, 1.0)
@example(0, (1, 1), 5, 1.0)
def test_averages_along_lines_equal_the_reference(seed, size, count, stride):
    rng = np.random.default_rng(seed)
    response = rng.normal(0.5, 1, size).astype(np.float32)
    tangent = find_tangent(find_tensor(rng.random(reduced(size, 2), np.float32)))
    gain, weights = rng.random(reduced(size, 4), np.float32), rng.random(count, np.float32)
    inputs = response, tangent, weights + np.float32(0.1), np.float32(stride), gain
    assert_array_equal(average_along(*inputs), reference.average_along(*inputs, FLOOR))


def test_a_gap_in_a_line_is_filled_and_a_dot_fades():
    response = np.zeros((16, 32), np.float32)
    response[6, :] = 2
    response[6, 15] = 0.3
    response[12, 16] = 2
    tangent = np.zeros((8, 16, 2), np.float32)
    tangent[..., 0] = 1
    weights, gain = np.ones(5, np.float32), np.ones((4, 8), np.float32)
    average = average_along(response, tangent, weights, np.float32(1), gain)
    assert_allclose(average[6, 15], (8 * 2 + 0.3) / 9, rtol=1e-6)
    assert_allclose(average[12, 16], 2 / 9, rtol=1e-6)


@given(seeds, sizes, st.integers(0, 12), st.sampled_from([0.1, 0.5, 0.9]))
@example(0, (1, 90), 2, 0.5)
@example(0, (90, 1), 2, 0.5)
def test_dropped_strokes_equal_the_reference(seed, size, least, part):
    rng = np.random.default_rng(seed)
    level = np.where(rng.random(size) < part, rng.random(size), -rng.random(size))
    level = level.astype(np.float32)
    strong = rng.uniform(0.5, 1.2, reduced(size, 4)).astype(np.float32)
    got = drop_weak(level, strong, least)
    assert_array_equal(got, reference.drop_weak(level, strong, least, np.float32(-1)))


def test_a_stroke_stays_whole_if_a_part_of_it_is_strong():
    level = np.full((8, 8), -0.5, np.float32)
    level[[1, 2, 3], [1, 2, 3]] = 0.5, 0.5, 2  # joined at the corners
    level[6, 2:5] = 0.5
    got = drop_weak(level, np.ones((2, 2), np.float32), 2)
    assert (got[[1, 2, 3], [1, 2, 3]] > 0).all()
    assert (got[6] < 0).all()
    assert got[0, 0] == np.float32(-0.5)
    assert (drop_weak(level, np.ones((2, 2), np.float32), 4) <= 0).all()
