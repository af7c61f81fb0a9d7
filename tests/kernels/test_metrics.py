"""Metrics from integer sums against NumPy and scikit-image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.metrics import structural_similarity

from engine.kernels.metrics import WINDOW, squared_error, sum_ssim


def mean_ssim(a, b):
    height, width, channels = a.shape
    a, b = a.reshape(height, -1), b.reshape(height, -1)
    rows, middle = height - WINDOW + 1, (height - WINDOW + 1) // 2
    total = sum_ssim(a, b, channels, 0, middle) + sum_ssim(a, b, channels, middle, rows)
    return total / (rows * (width - WINDOW + 1) * channels)


@given(
    st.integers(0, 2**32 - 1),
    st.integers(7, 40),
    st.integers(7, 40),
    st.integers(1, 4),
    st.sampled_from(["noise", "close", "flat"]),
)
def test_equals_scikit_image(seed, height, width, channels, kind):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 256, (2, height, width, channels), dtype=np.uint8)
    if kind == "close":
        b = (a // 8 * 8).astype(np.uint8)
    elif kind == "flat":
        a[:], b[:] = 255, 254
    expected = structural_similarity(a, b, channel_axis=2)
    # scikit-image rounds its running means in float64, the kernel sums integers.
    assert mean_ssim(a, b) == pytest.approx(expected, abs=1e-9)


def test_equal_pictures_have_a_similarity_of_one():
    a = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    assert mean_ssim(a, a.copy()) == pytest.approx(1, abs=1e-15)


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 30), st.integers(1, 4))
def test_squared_error_is_exact(seed, height, width, channels):
    a, b = np.random.default_rng(seed).integers(0, 256, (2, height, width, channels), np.uint8)
    assert squared_error(a, b) == ((a.astype(int) - b) ** 2).sum()
