"""The label kernel against upsampling all classes, bit for bit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from engine.kernels import labels as kernels
from engine.reference import labels as reference


@given(
    st.integers(0, 2**32 - 1),
    st.integers(2, 21),
    st.tuples(st.integers(1, 8), st.integers(1, 8)),
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
    st.sampled_from(["noise", "smooth", "ties", "confident"]),
)
def test_equals_argmax_of_all_upsampled_classes(seed, classes, low, high, kind):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(classes, *low))
    if kind == "smooth":
        logits = np.cumsum(logits, axis=2)
    elif kind == "ties":
        logits = rng.integers(0, 2, (classes, *low))
    elif kind == "confident":
        logits[rng.integers(0, classes)] += 20
    logits = logits.astype(np.float32)
    got = np.empty(high, np.uint8)
    kernels.upsample_labels(logits, got)
    assert_array_equal(got, reference.upsample_labels(logits, *high))


def test_a_lead_that_rounding_may_lose_is_not_taken_for_granted():
    # Corners that agree by one last bit: rounding while interpolating can make it a tie.
    rng = np.random.default_rng(0)
    logits = rng.uniform(1, 2, (2, 30, 40)).astype(np.float32)
    logits[1] = np.nextafter(logits[0], np.float32(3))
    got = np.empty((299, 401), np.uint8)
    kernels.upsample_labels(logits, got)
    expected = reference.upsample_labels(logits, 299, 401)
    assert 0 < (expected == 0).sum() < expected.size
    assert_array_equal(got, expected)


def test_at_the_same_size_it_is_the_argmax():
    logits = np.random.default_rng(0).normal(size=(21, 9, 11)).astype(np.float32)
    got = np.empty((9, 11), np.uint8)
    kernels.upsample_labels(logits, got)
    assert_array_equal(got, logits.argmax(axis=0))
