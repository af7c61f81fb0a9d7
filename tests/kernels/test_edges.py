"""Edges against OpenCV's Canny, pixel for pixel."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from engine.kernels import edges

SIDES = st.integers(1, 30)


def canny(picture, low, high, strips=1):
    planes = np.ascontiguousarray(picture.transpose(2, 0, 1))
    height, width = planes.shape[1:]
    marked = np.zeros((height + 2, width + 2), np.uint8)
    bounds = [height * i // strips for i in range(strips + 1)]
    seeds = [
        edges.find_peaks(planes, low, high, top, bottom, marked)
        for top, bottom in pairwise(bounds)
        if top < bottom
    ]
    edges.follow(marked, np.concatenate(seeds))
    assert not marked[[0, -1]].any()
    assert not marked[:, [0, -1]].any()
    return 255 * marked[1:-1, 1:-1]


@given(
    st.tuples(SIDES, SIDES),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0, 1, 3]),
    st.sampled_from([(100, 200), (20, 40), (0, 0), (0, 300), (1500, 1500), (10**6, 10**6)]),
    st.integers(1, 4),
)
def test_edges_equal_opencvs(size, seed, blur, thresholds, strips):
    picture = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    if blur:
        picture = cv2.GaussianBlur(picture, (0, 0), blur)
    picture = picture.reshape(*size, 3)
    assert_array_equal(canny(picture, *thresholds, strips), cv2.Canny(picture, *thresholds))


@pytest.mark.parametrize("levels", [1, 2, 4])
def test_equal_gradients_are_thinned_as_by_opencv(levels):
    rng = np.random.default_rng(levels)
    picture = (rng.integers(0, levels + 1, (40, 60, 3)) * (255 // levels)).astype(np.uint8)
    assert_array_equal(canny(picture, 100, 200, 3), cv2.Canny(picture, 100, 200))


def test_a_faint_line_is_followed_from_its_strong_end_to_the_last_pixel():
    picture = np.zeros((9, 3000, 3), np.uint8)
    picture[5:] = 30  # a step of 120, between the thresholds
    picture[5:, :4] = 90
    found = canny(picture, 100, 200)
    assert_array_equal(found, cv2.Canny(picture, 100, 200))
    assert found[:, -2].any()
    assert not canny(picture[:, 10:], 100, 200).any()
