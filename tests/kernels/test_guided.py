"""The guided filter's kernels against the reference, bit for bit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from engine.kernels import guided as kernels
from engine.reference import guided as reference
from engine.segment.labels import find_taps

sizes = st.tuples(st.integers(1, 14), st.integers(1, 14))


def fit(guide, confidence, radius, epsilon=1e-3):
    planes = np.empty((*confidence.shape, 4), np.float32)
    height, middle = len(confidence), len(confidence) // 3
    for top, bottom in ((middle, height), (0, middle)):
        kernels.fit_planes(guide, confidence, radius, epsilon, top, bottom, planes)
    return planes


def refine(photo, maps, decided):
    """Kernel and reference on the same input."""
    contrast = np.float32(2)
    rows = find_taps(maps.shape[0], photo.shape[0], align_corners=False)
    columns = find_taps(maps.shape[1], photo.shape[1], align_corners=False)
    starts = np.searchsorted(columns[0], np.arange(maps.shape[1] + 1))
    alpha, foreground = np.empty(photo.shape[:2], np.float32), photo.copy()
    kernels.refine(photo, maps, decided, *rows, starts, columns[1], contrast, alpha, foreground)
    return (alpha, foreground), reference.refine(photo, maps, decided, rows, columns, contrast)


@given(st.integers(0, 2**32 - 1), sizes, st.integers(1, 20), st.sampled_from([1e-4, 1e-3, 1e-1]))
def test_planes_equal_the_reference(seed, size, radius, epsilon):
    rng = np.random.default_rng(seed)
    guide = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    confidence = rng.choice(np.array([0, 60, 255], np.uint8), size)
    got = fit(guide, confidence, radius, epsilon)
    assert_array_equal(got, reference.fit_planes(guide, confidence, radius, epsilon))


@given(st.integers(0, 2**32 - 1), sizes, st.tuples(st.integers(1, 40), st.integers(1, 40)))
def test_refined_pixels_equal_the_reference(seed, low, high):
    rng = np.random.default_rng(seed)
    photo = rng.integers(0, 256, (*high, 3), dtype=np.uint8)
    planes = rng.normal(scale=0.4, size=(*low, 4))
    maps = np.dstack([planes, rng.uniform(0, 255, (*low, 6))]).astype(np.float32)
    decided = rng.choice(np.array([0, 128, 255], np.uint8), low)
    (alpha, foreground), (expected_alpha, expected_foreground) = refine(photo, maps, decided)
    assert_array_equal(alpha, expected_alpha)
    assert_array_equal(foreground, expected_foreground)


def test_equal_confidence_gives_a_constant_plane():
    guide = np.random.default_rng(0).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    for level in (0, 255):
        planes = fit(guide, np.full((9, 12), level, np.uint8), 3)
        assert (planes[..., :3] == 0).all()
        assert (planes[..., 3] == level / 255).all()


def test_a_plane_follows_the_edge_of_the_guide():
    guide = np.zeros((20, 20, 3), np.uint8)
    guide[:, 11:] = 200
    confidence = np.zeros((20, 20), np.uint8)
    confidence[:, 9:] = 255  # two pixels off
    planes = fit(guide, confidence, 5)
    confident = (planes[..., :3] * (guide / 255)).sum(axis=2) + planes[..., 3]
    assert_array_equal(confident[:, 6:15] > 0.5, guide[:, 6:15, 0] > 0)


def test_rim_colours_lose_the_background():
    maps = np.zeros((1, 1, 10), np.float32)
    maps[0, 0] = [0, 0, 0, 0.5, 200, 0, 0, 0, 0, 100]
    photo = np.array([[[100, 0, 50]]], np.uint8)  # half of each
    (alpha, foreground), _ = refine(photo, maps, np.full((1, 1), 128, np.uint8))
    assert_allclose(alpha, 0.5)
    assert_array_equal(foreground[0, 0], [200, 0, 0])
