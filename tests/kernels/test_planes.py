"""The kernels that evaluate planes against the reference."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from engine.kernels import planes as kernels
from engine.reference import planes as reference
from engine.segment.labels import find_taps

ATOL = 1e-6
"""The two take their exponentials from different libraries."""
seeds = st.integers(0, 2**32 - 1)
sizes = st.tuples(st.integers(1, 14), st.integers(1, 14))


def refine(photo, maps, decided):
    """Kernel and reference on the same input."""
    rows = find_taps(maps.shape[0], photo.shape[0], align_corners=False)
    columns = find_taps(maps.shape[1], photo.shape[1], align_corners=False)
    starts = np.searchsorted(columns[0], np.arange(maps.shape[1] + 1))
    alpha, foreground = np.empty(photo.shape[:2], np.float32), photo.copy()
    kernels.refine(photo, maps, decided, *rows, starts, columns[1], alpha, foreground)
    return (alpha, foreground), reference.refine(photo, maps, decided, rows, columns)


@given(seeds, sizes)
def test_alpha_equals_the_reference(seed, size):
    rng = np.random.default_rng(seed)
    planes = rng.normal(scale=rng.choice([3, 100]), size=(*size, 4)).astype(np.float32)
    guide = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    got = np.empty(size, np.float32)
    with np.errstate(over="ignore"):  # not compiled, it warns where alpha is 0
        kernels.evaluate(planes, guide, got)
    assert_allclose(got, reference.evaluate(planes, guide), atol=ATOL)


@given(seeds, sizes, st.tuples(st.integers(1, 40), st.integers(1, 40)))
def test_refined_pixels_equal_the_reference(seed, low, high):
    rng = np.random.default_rng(seed)
    photo = rng.integers(0, 256, (*high, 3), dtype=np.uint8)
    planes = rng.normal(scale=3, size=(*low, 4))
    maps = np.dstack([planes, rng.uniform(0, 255, (*low, 6))]).astype(np.float32)
    decided = rng.choice(np.array([0, 128, 255], np.uint8), low)
    (alpha, foreground), (expected_alpha, expected_foreground) = refine(photo, maps, decided)
    assert_allclose(alpha, expected_alpha, atol=ATOL)
    apart = np.abs(foreground.astype(int) - expected_foreground)
    assert apart.max() <= 1  # a rounding of the last bit


def test_a_sure_logit_is_exactly_background_or_person():
    planes = np.zeros((1, 2, 4), np.float32)
    planes[0, :, 3] = -4.5, 4.5
    got = np.empty((1, 2), np.float32)
    kernels.evaluate(planes, np.zeros((1, 2, 3), np.uint8), got)
    assert_array_equal(got, [[0, 1]])


def test_rim_colours_lose_the_background():
    maps = np.zeros((1, 1, 10), np.float32)
    maps[0, 0] = [0, 0, 0, 0, 200, 0, 0, 0, 0, 100]
    photo = np.array([[[100, 0, 50]]], np.uint8)  # half of each
    (alpha, foreground), _ = refine(photo, maps, np.full((1, 1), 128, np.uint8))
    assert_allclose(alpha, 0.5)
    assert_array_equal(foreground[0, 0], [200, 0, 0])
