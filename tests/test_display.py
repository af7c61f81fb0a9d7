"""The colours that a picture has, and how they and names are shown."""

import colorsys
from dataclasses import replace

import numpy as np
import pytest

import engine
from engine.cartoon.colours import to_lab
from engine.display import MOST_SHOWN, swatch_colour, swatches
from engine.record import parse, to_record
from engine.text import printable

CLASSIC = engine.CartoonOptions("classic")


def test_the_swatch_of_a_hue_has_the_colour_that_is_in_the_cartoon(tiny):
    for colour in ((240, 30, 20), (30, 40, 230), (250, 210, 30), (40, 200, 60)):
        picture = np.empty((40, 60, 3), np.uint8)
        picture[:] = colour
        app = tiny.replace(cutout=engine.CutoutOptions(background="none"), cartoon=CLASSIC)
        centroids = app(picture).centroids
        (level,) = centroids["hue"].astype(int).tolist()
        shown = swatch_colour("hue", level, centroids)
        hue = colorsys.rgb_to_hsv(*(int(shown[i : i + 2], 16) for i in (1, 3, 5)))[0]
        expected = colorsys.rgb_to_hsv(*colour)[0]
        assert abs((hue - expected + 0.5) % 1 - 0.5) < 3 / 180


def test_the_swatch_of_a_refined_hue_has_that_hue_in_lab():
    channels = ("lightness", "chroma", "hue")
    for level in (20, 60, 110, 160):
        shown = swatch_colour("hue", level, channels)
        _, a, b = to_lab(np.array([[int(shown[i : i + 2], 16) for i in (1, 3, 5)]], np.uint8))[0]
        off = np.degrees(np.arctan2(b, a)) - 2 * level
        assert abs((off + 180) % 360 - 180) < 15  # some of these colours no screen has
    assert swatch_colour("lightness", 255, channels) == "#ffffff"


def test_a_classic_record_has_the_colours_where_detail_is_asked_for(tiny, person_photo):
    result = tiny.replace(cartoon=CLASSIC)(person_photo)
    assert to_record(result, "x").colours == ()
    record = to_record(result, "x", detail=True)
    assert record.colours == tuple(result.palette.css[:MOST_SHOWN]) != ()
    assert parse(record.to_json()) == record


@pytest.mark.parametrize("style", ["comic", "poster", "ink"])
def test_the_record_of_other_styles_has_all_colours(tiny, person_photo, style):
    result = tiny.replace(cartoon=engine.CartoonOptions(style))(person_photo)
    record = to_record(result, "x")
    assert set(record.colours) == set(result.palette.css)
    assert record.style == style
    assert parse(record.to_json()) == record


@pytest.mark.parametrize(
    "colours", [["#12345"], ["#12345G"], ["red"], [1], ["#000000"] * 256, "#00"]
)
def test_colours_that_are_none_are_refused(tiny, person_photo, colours):
    import json

    values = json.loads(to_record(tiny(person_photo), "x", detail=True).to_json())
    with pytest.raises(ValueError, match="expected"):
        parse(json.dumps(values | {"colours": colours}))


def test_a_notebook_shows_the_colours_of_the_cartoon(tiny, person_photo):
    result = tiny(person_photo)
    shown = result._repr_html_()
    for colour in result.palette.by_share[:MOST_SHOWN]:
        assert f'fill="{colour}"' in shown


def test_swatches_are_text_whatever_they_are_given():
    shown = swatches(['"><script>'], {"<b>": [1], "hue": [60]})
    assert "<script>" not in shown
    assert "<b>" not in shown
    assert "style" not in shown


def test_printable_text_is_one_line_of_characters_that_are_shown():
    assert printable("a\n\t\0\x1b[0m\x9b\u202e\udcff ä名 'x'\\") == (
        r"a\n\t\x00\x1b[0m\x9b\u202e\udcff" + " ä名 'x'\\"
    )


def test_a_grey_drawing_has_no_hue_and_its_record_comes_back(tiny, person_photo):
    result = tiny(person_photo)
    grey = replace(result, centroids=result.centroids | {"hue": np.zeros(0)})
    record = to_record(grey, "x", detail=True)
    assert parse(record.to_json()) == record
    assert swatches(record.colours, record.centroids)
