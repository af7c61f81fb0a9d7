"""How a picture is laid on a background."""

import numpy as np

from engine.cutout.background import read_background
from engine.cutout.blend import add_alpha, blend


def test_half_alpha_on_a_colour_is_the_mean():
    picture = np.full((2, 3, 3), 100, np.uint8)
    got = blend(picture, np.full((2, 3), 0.5, np.float32), read_background("#00ff32"))
    assert got[1, 2].tolist() == [50, 178, 75]  # 177.5 rounds to even


def test_nothing_is_left_under_full_transparency():
    picture = np.full((1, 2, 3), 77, np.uint8)
    got = add_alpha(picture, np.array([[0, 0.5]], np.float32))
    assert got.tolist() == [[[0, 0, 0, 0], [77, 77, 77, 128]]]
