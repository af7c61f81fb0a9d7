"""The numbers that styles are compared by, on pictures whose numbers are known."""

import math

import cv2
import numpy as np
import pytest

from benchmarks.faithfulness import find_lost_white, find_off_hue, measure
from engine.cartoon.drawing import Drawing

RED, BLUE, GREY, WHITE = (200, 60, 60), (60, 60, 200), (120, 120, 120), (255, 255, 255)


def person(colour):
    """A square on white, and its alpha."""
    cutout, alpha = np.full((60, 80, 3), 255, np.uint8), np.zeros((60, 80), np.float32)
    cutout[20:40, 30:50], alpha[20:40, 30:50] = colour, 1
    return cutout, alpha


def copy(cutout, alpha, palette):
    return Drawing(cutout.copy(), None, {}, {})


def upside_down(cutout, alpha, palette):
    return Drawing(np.ascontiguousarray(cutout[::-1]), None, {}, {})


def test_a_copy_of_the_cutout_keeps_everything():
    cutout, alpha = person(RED)
    _, got = measure(copy, cutout, alpha)
    expected = {
        "colours": 2, "ssim": 1, "changed, free": 0, "off hue": 0, "white kept": 1,
        "white lost within": 0, "white lost far": 0,
    }  # fmt: skip
    assert {name: got[name] for name in expected} == pytest.approx(expected)
    assert got["size"] > 0.99
    assert "changed, held" not in got


def test_a_drawing_that_depends_on_the_pixel_grid_changes():
    def stripes(cutout, alpha, palette):
        striped = cutout.copy()
        striped[::2] = 0
        return Drawing(striped, None, {}, {})

    assert measure(stripes, *person(RED))[1]["changed, free"] == 1


def test_a_drawing_is_moved_back_before_it_is_compared():
    cutout, alpha = person(RED)
    cutout[20:40, 30:50:2] = BLUE
    assert measure(copy, cutout, alpha)[1]["changed, free"] == 0


@pytest.mark.parametrize(("drawn", "expected"), [(RED, 0), (BLUE, 1), (GREY, 0)])
def test_a_person_in_another_hue_is_off_and_a_grey_one_is_not(drawn, expected):
    cutout, alpha = person(RED)
    assert find_off_hue(cutout, person(drawn)[0], alpha) == expected


def test_hues_around_the_cut_of_the_circle_are_near():
    rose, red = (200, 60, 110), (200, 60, 90)
    assert find_off_hue(person(rose)[0], person(red)[0], person(red)[1]) == 0


def test_a_grey_person_has_no_hue_to_be_judged():
    cutout, alpha = person(GREY)
    assert math.isnan(find_off_hue(cutout, person(BLUE)[0], alpha))


def test_white_under_an_outline_is_lost_nearby():
    cutout, alpha = person(RED)
    outlined = cv2.rectangle(cutout.copy(), (29, 19), (50, 40), (0, 0, 0))
    got = find_lost_white(cutout, outlined, np.pad(alpha[1:-1], ((1, 1), (0, 0))))
    assert got["white kept"] == pytest.approx(1 - 84 / (60 * 80 - 400))
    assert got["white lost within"] == pytest.approx(math.sqrt(2))


def test_white_that_is_tinted_everywhere_is_lost_far_from_the_person():
    cutout, alpha = person(RED)
    got = find_lost_white(cutout, np.minimum(cutout, 254), alpha)
    assert got["white kept"] == 0
    assert got["white lost far"] > 0.9
