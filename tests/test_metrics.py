"""Metrics against golden values and scikit-image."""

import math

import numpy as np
import pytest
from skimage.metrics import structural_similarity

import engine


def test_equal_golden(golden):
    case = golden("metrics")
    assert engine.mse(case["a"], case["b"]) == case["mse"]
    assert engine.log_mse(case["a"], case["b"]) == case["log_mse"]
    # scikit-image's running means round; ours are exact integers.
    assert engine.ssim(case["a"], case["b"]) == pytest.approx(float(case["ssim"]), abs=1e-12)


def test_grey_and_read_only_views_are_measured():
    a, b = np.random.default_rng(0).integers(0, 256, (2, 40, 30, 3), dtype=np.uint8)
    a.flags.writeable = False
    assert engine.mse(a[::2, :, 0], b[::2, :, 0]) == pytest.approx(
        ((a[::2, :, 0].astype(float) - b[::2, :, 0]) ** 2).mean()
    )
    expected = structural_similarity(a[::2, :, 0], b[::2, :, 0])
    assert engine.ssim(a[::2, :, 0], b[::2, :, 0]) == pytest.approx(expected, abs=1e-9)


def test_equal_pictures():
    a = np.random.default_rng(0).integers(0, 256, (10, 10, 3), dtype=np.uint8)
    assert engine.mse(a, a) == 0
    assert engine.log_mse(a, a) == -math.inf
    assert engine.ssim(a, a) == pytest.approx(1)


def test_a_picture_below_the_window_has_no_ssim():
    a = np.zeros((6, 100, 3), np.uint8)
    assert math.isnan(engine.ssim(a, a))


@pytest.mark.parametrize("metric", [engine.mse, engine.log_mse, engine.ssim])
def test_unfit_pairs_are_refused(metric):
    a = np.zeros((8, 8, 3), np.uint8)
    for b in (np.zeros((8, 9, 3), np.uint8), np.zeros((8, 8, 3)), np.zeros((8, 8), np.uint8)):
        with pytest.raises(engine.PhotoError, match="expected two of uint8"):
            metric(a, b)
