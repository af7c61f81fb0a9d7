"""A palette: checked when it is made, and the same again after a journey through a file."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from engine.cartoon.colours import MOST_COLOURS, Palette, to_lab
from engine.errors import OptionError, OutputError
from engine.files.palettes import LONGEST_TEXT

SKIN, NAVY = (230, 180, 150), (0, 0, 128)
PAIR = Palette(
    np.array([SKIN, NAVY], np.uint8),
    np.array([[77.5, 13, 21], [13, 47.25, -64.75]], np.float32),
    np.array([0.75, 0.25], np.float32),
)


@st.composite
def palettes(draw):
    count = draw(st.integers(1, MOST_COLOURS))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    lab = rng.uniform((0, -128, -128), (100, 127, 127), (count, 3)).astype(np.float32)
    share = rng.dirichlet(np.ones(count)).astype(np.float32)
    return Palette(rng.integers(0, 256, (count, 3), dtype=np.uint8), lab, share)


@given(palette=palettes())
def test_a_palette_comes_back_from_json_bit_for_bit(palette):
    text = palette.to_json()
    got = Palette.from_json(text)
    assert got == palette
    assert len(text) <= LONGEST_TEXT
    for name in ("rgb", "lab", "share"):
        assert_array_equal(getattr(got, name), getattr(palette, name))


@pytest.mark.parametrize("text", ['["#e6b496", "navy"]', '{"colours": ["#e6b496", "navy"]}'])
def test_a_list_of_colours_is_a_palette_of_colours_that_stand_for_themselves(text):
    got = Palette.from_json(text)
    assert_array_equal(got.rgb, [SKIN, NAVY])
    assert_allclose(got.lab[1], (12.97, 47.5, -64.7), atol=0.1)
    assert_array_equal(got.share, [0.5, 0.5])


def test_lab_is_that_of_srgb_and_daylight():
    colours = np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0]], np.uint8)
    expected = [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.2]]
    assert_allclose(to_lab(colours), expected, atol=0.05)  # OpenCV interpolates


@pytest.mark.parametrize(
    ("rgb", "lab", "share"),
    [
        (np.zeros((2, 3)), np.zeros((1, 3)), np.ones(1)),
        (np.zeros((1, 4)), np.zeros((1, 3)), np.ones(1)),
        (np.zeros((1, 3)), np.zeros((1, 3)), np.float32(1)),
        (np.zeros((1, 3)), np.full((1, 3), np.nan), np.ones(1)),
        (np.zeros((1, 3)), np.zeros((1, 3)), [np.nan]),
        (np.zeros((300, 3)), np.zeros((300, 3)), np.full(300, 1 / 300)),
        ([["a"]], np.zeros((1, 3)), np.ones(1)),
        ([[256, 0, 0]], np.zeros((1, 3)), np.ones(1)),
        (np.array([[256, 0, 0]]), np.zeros((1, 3)), np.ones(1)),
        (np.array([[0.5, 0, 0]]), np.zeros((1, 3)), np.ones(1)),
        (np.array([[np.nan, 0, 0]]), np.zeros((1, 3)), np.ones(1)),
    ],
)
def test_arrays_that_are_no_palette_are_refused(rgb, lab, share):
    with pytest.raises(OptionError):
        Palette(rgb, lab, share)


@pytest.mark.parametrize("rgb", [7, ["red"], np.zeros(3), np.zeros((1, 4)), np.full((1, 3), 300)])
def test_what_is_no_list_of_colours_is_refused(rgb):
    with pytest.raises(OptionError):
        Palette.of_colours(rgb)


def test_a_saved_palette_is_read_again(tmp_path):
    PAIR.save(tmp_path / "family.json")
    assert Palette.read(tmp_path / "family.json") == PAIR


def test_saving_keeps_what_is_there(tmp_path):
    path = tmp_path / "family.json"
    path.write_text("mine")
    with pytest.raises(OutputError):
        PAIR.save(path)
    assert path.read_text() == "mine"
    PAIR.save(path, overwrite=True)
    assert Palette.read(path) == PAIR


@pytest.mark.parametrize("name", ["missing.json", ".", "a\0b"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name):
    with pytest.raises(OptionError, match="cannot be read"):
        Palette.read(str(tmp_path / name))


def test_of_a_huge_file_only_the_beginning_is_read():
    with pytest.raises(OptionError, match="longer than"):
        Palette.read("/dev/zero")


def test_equal_palettes_have_one_digest_and_others_have_another():
    again = Palette(PAIR.rgb.copy(), PAIR.lab.copy(), PAIR.share.copy())
    turned = Palette(PAIR.rgb[::-1], PAIR.lab, PAIR.share)
    assert again == PAIR
    assert again.digest == PAIR.digest != turned.digest
    assert len({again, PAIR, turned}) == 2


def test_a_palette_travels_to_other_processes():
    assert PAIR.digest
    assert pickle.loads(pickle.dumps(PAIR)) == PAIR


def test_a_palette_cannot_be_changed_by_whoever_holds_its_arrays():
    rgb = np.array([SKIN], np.uint8)
    palette = Palette(rgb, to_lab(rgb), np.ones(1))
    rgb[:] = 0
    assert_array_equal(palette.rgb, [SKIN])
    with pytest.raises(ValueError, match="read-only"):
        palette.rgb[:] = 0


def test_colours_are_those_of_what_is_kept_the_commonest_first():
    cartoon = np.full((6, 9, 3), 255, np.uint8)
    alpha = np.zeros((6, 9), np.float32)
    cartoon[1:4, 1:4], alpha[1:4, 1:4] = (200, 10, 20), 1
    cartoon[4, 1:4], alpha[4, 1:4] = (0, 0, 0), 1
    cartoon[0, 1:4], alpha[0, 1:4] = (230, 130, 140), 0.5  # mixed with the paper
    assert Palette.of_picture(cartoon, alpha).css == ["#c80a14", "#000000"]
    assert Palette.of_picture(cartoon, np.zeros_like(alpha)).css == []


def test_colours_are_bounded_in_number_and_need_no_transparency():
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 4), dtype=np.uint8)
    alpha = np.full((40, 40), 0.9, np.float32)
    assert len(Palette.of_picture(noise, alpha)) == MOST_COLOURS
    assert Palette.of_picture(noise, alpha) == Palette.of_picture(noise[..., :3], alpha)


def test_colours_of_a_large_picture_are_counted_on_a_sample():
    cartoon = np.zeros((2000, 3000, 3), np.uint8)
    cartoon[:, 1000:] = (1, 2, 3)
    assert Palette.of_picture(cartoon, np.ones((2000, 3000), np.float32)).css == [
        "#010203",
        "#000000",
    ]


def test_a_notebook_shows_each_colour_with_its_share():
    shown = PAIR._repr_html_()
    assert 'title="#e6b496 75.0%"' in shown
    assert "2 colours" in repr(PAIR)
