"""Islands and pinholes."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from engine.cutout.clean import clean


@pytest.fixture
def person():
    """A sure person of 40 x 30 cells."""
    probability = np.full((80, 100), 0.02, np.float32)
    probability[20:60, 30:60] = 0.97
    return probability


def test_a_small_unsure_island_goes_with_its_skirt(person):
    expected = person.copy()
    person[5:9, 80:84] = 0.4
    person[6:8, 81:83] = 0.7
    got = clean(person, 0.5)
    assert got[3:11, 78:86].max() <= 0.02
    got[3:11, 78:86] = expected[3:11, 78:86]
    assert_array_equal(got, expected)


@pytest.mark.parametrize(("rows", "value"), [(2, 0.95), (20, 0.7)], ids=["sure", "large"])
def test_a_small_sure_or_a_large_unsure_island_stays(person, rows, value):
    person[5 : 5 + rows, 70:90] = value
    assert_array_equal(clean(person, 0.5), person)


def test_an_unsure_pinhole_is_filled_and_other_gaps_stay(person):
    person[30:32, 40:42] = 0.2
    person[45:55, 40:46] = 0.2  # large
    person[30:32, 50:52] = 0.05  # surely background
    got = clean(person, 0.5)
    assert (got[30:32, 40:42] == 1).all()
    assert_array_equal(got[45:55, 40:46], person[45:55, 40:46])
    assert_array_equal(got[30:32, 50:52], person[30:32, 50:52])


def test_a_gap_at_the_border_is_no_hole(person):
    person[:] = 0.97
    person[0, 50] = person[79, 10] = person[40, 0] = 0.2
    assert_array_equal(clean(person, 0.5), person)


def test_nobody_stays_nobody():
    nothing = np.full((6, 7), 0.1, np.float32)
    assert_array_equal(clean(nothing, 0.5), nothing)


def test_the_threshold_says_what_is_an_island(person):
    person[5:9, 80:84] = 0.4
    assert_array_equal(clean(person, 0.5), person)
    assert clean(person, 0.3)[6, 82] == 0
