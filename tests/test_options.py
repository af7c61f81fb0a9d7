"""Options are checked when they are built."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from engine import CartoonOptions, CutoutOptions, OptionError, SegmentOptions
from engine.cartoon.colours import Palette
from engine.options import NAMED_BACKGROUNDS, OutputOptions, parse_colour

NOTHING = Palette.of_colours(np.zeros((0, 3), np.uint8))
RED = Palette.of_colours(np.array([[255, 0, 0]], np.uint8))
GREY = np.full((2, 2, 3), 128, np.uint8)


@pytest.mark.parametrize(
    "build",
    [
        lambda: SegmentOptions(keep=""),
        lambda: SegmentOptions(keep=()),
        lambda: CutoutOptions(background=""),
        lambda: CutoutOptions(background="#12345"),
        lambda: CutoutOptions(background="#12345g"),
        lambda: CutoutOptions(threshold=0),
        lambda: CutoutOptions(threshold=1),
        lambda: CutoutOptions(threshold=float("nan")),
        lambda: CutoutOptions(threshold=1e-50),
        lambda: CutoutOptions(edges="refine"),
        lambda: CartoonOptions(smooth_sigma=0),
        lambda: CartoonOptions(edge_low=300),
        lambda: CartoonOptions(edge_low=-1),
        lambda: CartoonOptions(split_p_value=2),
        lambda: CartoonOptions(min_group_levels=7),
        lambda: CartoonOptions(min_group_levels=257),
        lambda: CartoonOptions(min_group_levels=80.5),
        lambda: CartoonOptions(smooth_sigma=float("inf")),
        lambda: CartoonOptions(edge_high=float("inf")),
        lambda: SegmentOptions(keep=5),
        lambda: SegmentOptions(keep=("person", 5)),
        lambda: CutoutOptions(background="#ffff"),
        lambda: CutoutOptions(background="rgb(0, 0, 300)"),
        lambda: CutoutOptions(background="rgba(0, 0, 0, 0.5)"),
        lambda: CutoutOptions(background=None),
        lambda: CutoutOptions(background=5),
        lambda: CutoutOptions(background=b"sea.png"),
        lambda: CutoutOptions(background=[1, 2, 3]),
        lambda: CutoutOptions(background=(1, 2)),
        lambda: CutoutOptions(background=(1, 2, 256)),
        lambda: CutoutOptions(background=(0.1, 0.2, 0.3)),
        lambda: CutoutOptions(threshold="0.5"),
        lambda: CutoutOptions(threshold=None),
        lambda: CutoutOptions(edges=5),
        lambda: CutoutOptions(people=0),
        lambda: CutoutOptions(people=-1),
        lambda: CutoutOptions(people=1.5),
        lambda: CutoutOptions(people="none"),
        lambda: CutoutOptions(people=None),
        lambda: CartoonOptions(smooth_sigma="50"),
        lambda: CartoonOptions(edge_low=None),
        lambda: CartoonOptions(split_p_value="0.1"),
        lambda: CartoonOptions(style="comics"),
        lambda: CartoonOptions(style=5),
        lambda: CartoonOptions(colours=1),
        lambda: CartoonOptions(colours=65),
        lambda: CartoonOptions(colours=8.0),
        lambda: CartoonOptions(lines=-0.1),
        lambda: CartoonOptions(detail=2.1),
        lambda: CartoonOptions(vivid=float("nan")),
        lambda: CartoonOptions(vivid="2"),
        lambda: CartoonOptions(palette=["red"]),
        lambda: CartoonOptions(palette=NOTHING),
        lambda: OutputOptions(kinds=()),
        lambda: OutputOptions(kinds="cutout"),
        lambda: OutputOptions(kinds=(["cutout"],)),
        lambda: OutputOptions(kinds=("cutoff",)),
        lambda: OutputOptions(format="gif"),
        lambda: OutputOptions(quality=101),
        lambda: OutputOptions(size=0),
        lambda: OutputOptions(size=100.0),
        lambda: OutputOptions(metadata=5),
    ],
)
def test_out_of_range_is_refused(build):
    with pytest.raises(OptionError):
        build()


def test_what_is_kept_by_default_depends_on_the_mode():
    assert SegmentOptions().kept_names == ("person",)
    assert SegmentOptions(classic=True).kept_names == ("all",)
    assert SegmentOptions(keep="Dog, cat").kept_names == ("dog", "cat")
    assert SegmentOptions(keep=("dog",), classic=True).kept_names == ("dog",)


@pytest.mark.parametrize(
    "background", [*NAMED_BACKGROUNDS, "sea.png", "#fff", (1, 2, 3), Path("sea.png"), "#203040"]
)
def test_options_with_one_background_are_equal_and_have_one_hash(background):
    options = CutoutOptions(background)
    assert options == CutoutOptions(background)
    assert hash(options) == hash(CutoutOptions(background))
    assert options != CutoutOptions(background, clean=False)
    assert options != CutoutOptions("other.png")


@pytest.mark.parametrize("picture", [GREY, Image.fromarray(GREY)], ids=["array", "image"])
def test_pictures_are_equal_to_themselves_only(picture):
    assert CutoutOptions(picture) == CutoutOptions(picture)
    assert hash(CutoutOptions(picture)) == hash(CutoutOptions(picture))
    assert CutoutOptions(picture) != CutoutOptions(picture.copy())


def test_all_of_css_names_are_colours():
    assert len(ImageColor.colormap) == 148
    assert all(parse_colour(name) for name in ImageColor.colormap)
    assert parse_colour("rebeccapurple") == (102, 51, 153)
    assert parse_colour("sea.png") is None


def test_how_many_people_may_be_a_word_or_a_number():
    counts = {people: CutoutOptions(people=people).most_people for people in ("all", "largest", 3)}
    assert counts == {"all": None, "largest": 1, 3: 3}
    assert CutoutOptions(people="2").most_people == 2


@pytest.mark.parametrize(
    "knob", [{"colours": 8}, {"lines": 0.5}, {"detail": 2}, {"vivid": 0}, {"palette": RED}]
)
def test_classic_has_no_knobs_and_names_the_styles_that_have_them(knob):
    (name,) = knob
    with pytest.raises(OptionError, match=f"classic has no {name}; expected comic, poster, ink"):
        CartoonOptions("classic", **knob)
    with pytest.raises(OptionError, match=name):
        CartoonOptions(**knob).in_mode(classic=True)
    assert CartoonOptions(**knob).in_mode(classic=False) == CartoonOptions("comic", **knob)


@pytest.mark.parametrize("constant", [{"smooth_sigma": 20}, {"edge_low": 50}, {"edge_high": 300}])
def test_constants_of_classic_are_refused_by_the_other_styles(constant):
    with pytest.raises(OptionError, match="expected classic"):
        CartoonOptions("poster", **constant)
    with pytest.raises(OptionError, match="expected classic"):
        CartoonOptions(**constant).in_mode(classic=False)
    assert CartoonOptions("classic", **constant).in_mode(classic=True).style == "classic"


def test_the_style_depends_on_the_mode_unless_it_is_named():
    assert CartoonOptions().in_mode(classic=False).style == "comic"
    assert CartoonOptions().in_mode(classic=True).style == "classic"
    assert CartoonOptions("ink").in_mode(classic=False).style == "ink"
    assert CartoonOptions("classic").in_mode(classic=False).style == "classic"
    with pytest.raises(OptionError, match="classic mode has no style ink"):
        CartoonOptions("ink").in_mode(classic=True)


def test_options_with_equal_palettes_are_equal():
    again = Palette.of_colours(np.array([[255, 0, 0]], np.uint8))
    assert CartoonOptions(palette=RED) == CartoonOptions(palette=again)
    assert hash(CartoonOptions(palette=RED)) == hash(CartoonOptions(palette=again))
