"""The colours that a picture has, and how they and names are shown."""

import colorsys

import numpy as np
import pytest

import engine
from engine.display import MOST_COLOURS, find_colours, swatch_colour, swatches
from engine.record import parse, to_record
from engine.text import printable


def test_the_swatch_of_a_hue_has_the_colour_that_is_in_the_cartoon(tiny):
    for colour in ((240, 30, 20), (30, 40, 230), (250, 210, 30), (40, 200, 60)):
        picture = np.empty((40, 60, 3), np.uint8)
        picture[:] = colour
        result = tiny.replace(cutout=engine.CutoutOptions(background="none"))(picture)
        (level,) = result.palette["hue"].tolist()
        shown = swatch_colour("hue", level)
        hue = colorsys.rgb_to_hsv(*(int(shown[i : i + 2], 16) for i in (1, 3, 5)))[0]
        expected = colorsys.rgb_to_hsv(*colour)[0]
        assert abs((hue - expected + 0.5) % 1 - 0.5) < 3 / 180


def test_colours_are_those_of_what_is_kept_the_commonest_first():
    cartoon = np.full((6, 9, 3), 255, np.uint8)
    alpha = np.zeros((6, 9), np.float32)
    cartoon[1:4, 1:4], alpha[1:4, 1:4] = (200, 10, 20), 1
    cartoon[4, 1:4], alpha[4, 1:4] = (0, 0, 0), 1
    cartoon[0, 1:4], alpha[0, 1:4] = (230, 130, 140), 0.5  # mixed with the paper
    assert find_colours(cartoon, alpha) == ("#c80a14", "#000000")
    assert find_colours(cartoon, np.zeros_like(alpha)) == ()


def test_colours_are_at_most_two_dozen_and_need_no_transparency():
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 4), dtype=np.uint8)
    alpha = np.full((40, 40), 0.9, np.float32)
    assert len(find_colours(noise, alpha)) == MOST_COLOURS
    assert find_colours(noise, alpha) == find_colours(noise[..., :3], alpha)


def test_colours_of_a_large_picture_are_counted_on_a_sample():
    cartoon = np.zeros((2000, 3000, 3), np.uint8)
    cartoon[:, 1000:] = (1, 2, 3)
    assert find_colours(cartoon, np.ones((2000, 3000), np.float32)) == ("#010203", "#000000")


def test_a_record_has_the_colours_where_detail_is_asked_for(tiny, person_photo):
    result = tiny(person_photo)
    assert to_record(result, "x").colours == ()
    record = to_record(result, "x", detail=True)
    assert record.colours == find_colours(result.cartoon, result.alpha) != ()
    assert parse(record.to_json()) == record


@pytest.mark.parametrize(
    "colours", [["#12345"], ["#12345G"], ["red"], [1], ["#000000"] * 25, "#00"]
)
def test_colours_that_are_none_are_refused(tiny, person_photo, colours):
    import json

    values = json.loads(to_record(tiny(person_photo), "x", detail=True).to_json())
    with pytest.raises(ValueError, match="expected"):
        parse(json.dumps(values | {"colours": colours}))


def test_a_notebook_shows_the_colours_of_the_cartoon(tiny, person_photo):
    result = tiny(person_photo)
    shown = result._repr_html_()
    for colour in find_colours(result.cartoon, result.alpha):
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
