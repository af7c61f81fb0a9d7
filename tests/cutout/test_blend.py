"""Backgrounds and how a picture is laid on them."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from engine.cutout.background import cover, read_background
from engine.cutout.blend import add_alpha, blend
from engine.errors import OptionError


def test_half_alpha_on_a_colour_is_the_mean():
    picture = np.full((2, 3, 3), 100, np.uint8)
    got = blend(picture, np.full((2, 3), 0.5, np.float32), read_background("#00ff32"))
    assert got[1, 2].tolist() == [50, 178, 75]  # 177.5 rounds to even


def test_nothing_is_left_under_full_transparency():
    picture = np.full((1, 2, 3), 77, np.uint8)
    got = add_alpha(picture, np.array([[0, 0.5]], np.float32))
    assert got.tolist() == [[[0, 0, 0, 0], [77, 77, 77, 128]]]


@pytest.mark.parametrize(("height", "width"), [(50, 100), (100, 50), (1, 30), (60, 60)])
def test_a_backdrop_covers_without_distortion(height, width):
    backdrop = np.zeros((20, 20, 3), np.uint8)
    backdrop[:, 10:] = 255
    got = cover(backdrop, height, width)
    assert got.shape == (height, width, 3)
    assert got[0, 0, 0] < 30
    assert got[-1, -1, 0] > 225


def test_a_colour_is_not_spread_out():
    assert cover(read_background("white"), 10, 10).shape == (1, 1, 3)


def test_a_picture_is_read(tmp_path):
    Image.new("RGB", (4, 5), (1, 2, 3)).save(tmp_path / "sea.png")
    assert_array_equal(read_background(str(tmp_path / "sea.png"))[0, 0], [1, 2, 3])


def test_a_misspelt_name_is_told():
    with pytest.raises(OptionError, match="Did you mean transparent"):
        read_background("transparant")


def test_a_broken_picture_is_an_option_error(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"nothing")
    with pytest.raises(OptionError, match="not a picture"):
        read_background(str(tmp_path / "broken.png"))
