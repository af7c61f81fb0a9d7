"""Smoothing is OpenCV's bilateral filter bit for bit, whoever computes it."""

import cv2
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from skimage.data import astronaut

from engine.cartoon.classic import smooth as module
from engine.cartoon.classic.smooth import smooth
from engine.kernels import bilateral

only_with_the_kernel = pytest.mark.skipif(
    not module._is_exact(50.0, cv2.ipp.useIPP()), reason="OpenCV filters on this machine"
)


@pytest.fixture(autouse=True)
def _no_check_is_kept():
    module._is_exact.cache_clear()
    yield
    module._is_exact.cache_clear()


def by_opencv(planes, sigma):
    return [cv2.bilateralFilter(plane, 5, sigma, sigma) for plane in planes]


@pytest.mark.parametrize("sigma", [1e-200, 0.3, 5.0, 19.0, 19.5, 50.0, 133.3, 1e200])
@pytest.mark.parametrize(
    "size", [(1, 1), (1, 300), (4, 300), (5, 64), (6, 63), (90, 65), (33, 431)]
)
def test_planes_of_any_size_are_filtered_as_by_opencv(size, sigma):
    random = np.random.default_rng(size)
    planes = [random.integers(0, top, size, dtype=np.uint8) for top in (256, 3, 40)]
    assert_array_equal(smooth(planes, sigma), by_opencv(planes, sigma))


def test_a_photo_is_filtered_as_by_opencv_on_any_number_of_threads():
    large = cv2.resize(astronaut(), (1000, 800), interpolation=cv2.INTER_CUBIC)
    planes = cv2.split(large)
    for threads in (1, 2, 3):
        assert_array_equal(smooth(planes, 50.0, threads), by_opencv(planes, 50.0))


def test_without_ipp_it_is_opencv_that_filters():
    uses_ipp = cv2.ipp.useIPP()
    planes = [module._make_delicate_picture()]
    smooth(planes, 50.0)
    try:
        cv2.ipp.setUseIPP(False)
        assert_array_equal(smooth(planes, 50.0), by_opencv(planes, 50.0))
    finally:
        cv2.ipp.setUseIPP(uses_ipp)


def test_without_the_instructions_it_is_opencv_that_filters(monkeypatch):
    monkeypatch.setattr(bilateral.smooth, "is_usable", False)
    monkeypatch.setattr(module, "_by_kernel", None)
    planes = [module._make_delicate_picture()]
    assert_array_equal(smooth(planes, 50.0), by_opencv(planes, 50.0))


@only_with_the_kernel
@pytest.mark.parametrize("difference", [1, 20, 60, 100])
def test_a_weight_whose_last_bit_is_another_is_found(difference, monkeypatch):
    weights, rings = bilateral.find_weights(50.0)
    weights[0, difference] ^= 1
    monkeypatch.setattr(bilateral, "find_weights", lambda sigma: (weights, rings))
    assert not module._is_exact(50.0, cv2.ipp.useIPP())


@only_with_the_kernel
def test_weights_of_distance_in_another_order_are_found(monkeypatch):
    weights, rings = bilateral.find_weights(50.0)
    monkeypatch.setattr(bilateral, "find_weights", lambda sigma: (weights, rings[::-1].copy()))
    assert not module._is_exact(50.0, cv2.ipp.useIPP())
