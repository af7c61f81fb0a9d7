"""Passes over the pixels against the reference, bit for bit."""

import cv2
import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal

from engine.kernels import pixels
from engine.reference import stylise as reference

compiled_only = pytest.mark.skipif(
    numba.config.DISABLE_JIT or numba.config.BOUNDSCHECK, reason="16.8 million pixels"
)
SIDES = st.integers(1, 24)
PICTURES = st.tuples(SIDES, SIDES).flatmap(lambda size: arrays(np.uint8, (*size, 3)))


def planes_of(picture):
    return picture.transpose(2, 0, 1).copy()


@given(PICTURES)
def test_hsv_and_its_histograms_equal_the_reference(picture):
    planes, hists = planes_of(picture), np.zeros((3, 256), np.int64)
    middle = picture.shape[0] // 2
    pixels.to_hsv(planes, middle, picture.shape[0], hists)
    pixels.to_hsv(planes, 0, middle, hists)
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
    assert_array_equal(planes, planes_of(hsv))
    hue, saturation, value = reference.count_levels(hsv)
    assert_array_equal(hists[0, :180], hue)
    assert_array_equal(hists[1], saturation)
    assert_array_equal(hists[2], value)
    assert hists.sum() == hsv.size


@compiled_only
def test_all_colours_become_opencvs_hsv():
    levels = np.arange(256, dtype=np.uint8)
    every = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(4096, 4096, 3)
    planes = planes_of(every)
    pixels.to_hsv(planes, 0, 4096, np.zeros((3, 256), np.int64))
    hsv = cv2.cvtColor(every, cv2.COLOR_RGB2HSV)
    for channel in range(3):
        assert (planes[channel] == hsv[..., channel]).all()


@given(PICTURES, arrays(np.uint32, (3, 256), elements=st.integers(0, 99)))
def test_paint_looks_every_colour_up(hsv, places):
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 2**24, 300, dtype=np.uint32)
    place = sum(places[c][hsv[..., c]] for c in range(3))
    expected = (colours[place][..., None] >> np.array([0, 8, 16], np.uint32)).astype(np.uint8)
    out = np.empty_like(hsv)
    height, width = hsv.shape[:2]
    pixels.paint(planes_of(hsv), places, colours, 0, height, width, 0, 0, out)
    assert_array_equal(out, expected)
    out = np.zeros((height + 3, width + 5, 3), np.uint8)
    pixels.paint(planes_of(hsv), places, colours, 1, height, width, 2, 4, out)
    assert_array_equal(out[3 : height + 2, 4 : width + 4], expected[1:])
    assert out.sum() == expected[1:].astype(int).sum()
