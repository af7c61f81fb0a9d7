"""Labels and upsampling against upsampling all classes, bit for bit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from engine.reference import labels as reference
from engine.reference.upsample import upsample as reference_upsample
from engine.segment.labels import find_labels, upsample


@given(
    st.integers(0, 2**32 - 1),
    st.integers(2, 21),
    st.tuples(st.integers(1, 8), st.integers(1, 8)),
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
    st.sampled_from(["noise", "smooth", "ties", "confident"]),
    st.booleans(),
)
def test_equals_argmax_of_all_upsampled_classes(seed, classes, low, high, kind, align_corners):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(classes, *low))
    if kind == "smooth":
        logits = np.cumsum(logits, axis=2)
    elif kind == "ties":
        logits = rng.integers(0, 2, (classes, *low))
    elif kind == "confident":
        logits[rng.integers(0, classes)] += 20
    logits = logits.astype(np.float32)
    got = find_labels(logits[None], *high, align_corners)
    assert_array_equal(got, reference.upsample_labels(logits, *high, align_corners))


def test_a_lead_that_rounding_may_lose_is_not_taken_for_granted():
    # Corners that agree by one last bit: rounding while interpolating can make it a tie.
    rng = np.random.default_rng(0)
    logits = rng.uniform(1, 2, (2, 30, 40)).astype(np.float32)
    logits[1] = np.nextafter(logits[0], np.float32(3))
    got = find_labels(logits[None], 299, 401)
    expected = reference.upsample_labels(logits, 299, 401)
    assert 0 < (expected == 0).sum() < expected.size
    assert_array_equal(got, expected)


def test_at_the_same_size_it_is_the_argmax():
    logits = np.random.default_rng(0).normal(size=(21, 9, 11)).astype(np.float32)
    for align_corners in (False, True):
        got = find_labels(logits[None], 9, 11, align_corners)
        assert_array_equal(got, logits.argmax(axis=0))


@given(
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(1, 8), st.integers(1, 8)),
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
    st.booleans(),
)
def test_upsampling_equals_the_reference(seed, low, high, align_corners):
    maps = np.random.default_rng(seed).normal(size=low).astype(np.float32)
    got = upsample(maps, *high, align_corners)
    assert_array_equal(got, reference_upsample(maps[None], *high, align_corners)[0])


def test_aligned_corners_keep_their_values():
    maps = np.arange(6, dtype=np.float32).reshape(2, 3)
    got = upsample(maps, 11, 21, align_corners=True)
    assert got[[0, 0, -1, -1], [0, -1, 0, -1]].tolist() == [0, 2, 3, 5]
    assert got[5, 10] == 2.5
