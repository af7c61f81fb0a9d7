"""Who stays when bystanders are dropped."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal

from engine.cutout.people import keep_largest
from engine.reference import people as reference

IMPLEMENTATIONS = pytest.mark.parametrize("keep", [keep_largest, reference.keep_largest])
probabilities = arrays(
    np.float32,
    st.tuples(st.integers(1, 24), st.integers(1, 24)),
    elements=st.sampled_from([0, 0.25, 0.5, 0.75, 1]).map(np.float32),
    fill=st.just(np.float32(0)),
)
thresholds = st.sampled_from([0.1, 0.5, 0.8])


@pytest.fixture
def crowd():
    """Three people, of 800, 200 and 50 cells, each within something unsure."""
    probability = np.full((60, 100), 0.02, np.float32)
    for top, left, height, width in [(10, 10, 40, 20), (20, 50, 20, 10), (20, 80, 10, 5)]:
        probability[top - 3 : top + height + 3, left - 3 : left + width + 3] = 0.3
        probability[top : top + height, left : left + width] = 0.9
    return probability


@IMPLEMENTATIONS
def test_the_largest_stay_with_what_is_around_them(crowd, keep):
    for count, border in [(1, 40), (2, 70)]:
        got = keep(crowd, 0.5, count)
        assert_array_equal(got[:, : border - 5], crowd[:, : border - 5])
        assert (got[15:40, border + 5 :] == 0).all()


@IMPLEMENTATIONS
def test_as_many_as_there_are_changes_nothing(crowd, keep):
    for count in (3, 4, 1000):
        assert_array_equal(keep(crowd, 0.5, count), crowd)


@IMPLEMENTATIONS
def test_nobody_stays_nobody(keep):
    nothing = np.full((6, 7), 0.1, np.float32)
    assert_array_equal(keep(nothing, 0.5, 1), nothing)


@IMPLEMENTATIONS
def test_people_who_touch_at_a_corner_are_one(keep):
    probability = np.zeros((4, 8), np.float32)
    probability[0, 0] = probability[1, 1] = probability[0, 6] = 1
    expected = probability.copy()
    expected[0, 6] = 0
    assert_array_equal(keep(probability, 0.5, 1), expected)


@given(probability=probabilities, threshold=thresholds, count=st.integers(1, 4))
def test_people_are_those_of_the_reference(probability, threshold, count):
    got = keep_largest(probability, threshold, count)
    expected = reference.keep_largest(probability, threshold, count)
    kept = probability > threshold
    assert_array_equal(got[kept], expected[kept])
    assert ((got == 0) | (got == probability)).all()


@given(probability=probabilities, threshold=thresholds, count=st.integers(1, 4))
def test_dropping_twice_drops_no_more(probability, threshold, count):
    once = keep_largest(probability, threshold, count)
    assert_array_equal(keep_largest(once, threshold, count), once)


@given(probability=probabilities, threshold=thresholds, count=st.integers(1, 3))
def test_one_more_person_never_takes_anybody_away(probability, threshold, count):
    fewer = keep_largest(probability, threshold, count)
    assert (keep_largest(probability, threshold, count + 1) >= fewer).all()
