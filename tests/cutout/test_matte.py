"""Alpha from probability."""

import numpy as np
from numpy.testing import assert_array_equal

from engine.cutout.matte import soft_matte


def test_a_step_becomes_a_soft_edge_of_seven_pixels():
    probability = np.zeros((9, 40), np.float32)
    probability[:, 20:] = 1
    alpha = soft_matte(probability, 0.5)
    assert alpha.dtype == np.float32
    assert_array_equal(alpha[:, :17], 0)
    assert_array_equal(alpha[:, 23:], 1)
    assert (np.diff(alpha[4, 16:24]) > 0).all()


def test_a_probability_at_the_threshold_is_background():
    assert soft_matte(np.full((8, 8), 0.5, np.float32), 0.5).max() == 0
    assert soft_matte(np.full((8, 8), 0.5, np.float32), 0.4).min() == 1
