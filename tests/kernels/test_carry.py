"""The kernel that mixes a picture with the frame before, against the reference, bit for bit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from engine.kernels import carry as kernels
from engine.reference import carry as reference

sides = st.integers(1, 12)
GAIN = np.array([1, 1, 1.02, 0.98, 1], np.float32)
PER_UNIT = np.array([0.5, 1, 1, 0.25, 2], np.float32)
MOST, LEAST, CALM = np.float32(0.85), np.float32(0.1), np.float32(0.3)


def carry(new, old, motion, rows, columns, places):
    """In two strips, the later one first."""
    out = np.full_like(new, np.nan)
    middle = len(new) // 3
    for top, bottom in ((middle, len(new)), (0, middle)):
        kernels.carry(
            new,
            old,
            motion,
            *rows,
            *columns,
            *places,
            GAIN,
            PER_UNIT,
            MOST,
            LEAST,
            CALM,
            top,
            bottom,
            out,
        )
    return out


def axis(rng, count, cells):
    before = rng.integers(0, cells, count)
    return before, rng.random(count, np.float32)


@given(seed=st.integers(0, 2**32 - 1), new=st.tuples(sides, sides), old=st.tuples(sides, sides),
       cells=st.tuples(sides, sides))  # fmt: skip
def test_equals_reference(seed, new, old, cells):
    rng = np.random.default_rng(seed)
    (h, w), (m, n) = new, cells
    new, old = (rng.random((*size, 5), np.float32) for size in (new, old))
    new[..., 4] *= rng.random((h, w)) > 0.2
    motion = rng.normal(0, 1, (m, n, 3)).astype(np.float32)
    motion[..., :2] *= rng.random() > 0.3
    motion[..., 2] = rng.random((m, n), np.float32)
    rows, columns = axis(rng, h, m), axis(rng, w, n)
    places = (
        np.arange(w, dtype=np.float32),
        np.arange(h, dtype=np.float32) + np.float32(rng.choice([0, 0.3])),
    )
    got = carry(new, old, motion, rows, columns, places)
    expected = reference.carry(
        new, old, motion, rows, columns, places, GAIN, PER_UNIT, MOST, LEAST, CALM
    )
    assert_array_equal(got, expected)


def still(new, old, trust=1.0):
    h, w = new.shape[:2]
    cells = np.zeros(h, np.int64), np.zeros(h, np.float32)
    columns = np.zeros(w, np.int64), np.zeros(w, np.float32)
    places = np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32)
    motion = np.array([[[0, 0, trust]]], np.float32)
    return carry(new, old, motion, cells, columns, places)


def test_what_hardly_differs_is_mixed_with_the_frame_before():
    new, old = np.ones((4, 5, 5), np.float32), np.ones((4, 5, 5), np.float32)
    old[..., 0] += 0.1
    assert (still(new, old)[..., 0] > 1.08).all()


def test_what_differs_is_not_mixed():
    new, old = np.ones((4, 5, 5), np.float32), np.ones((4, 5, 5), np.float32)
    old[..., 1] += 2
    assert_array_equal(still(new, old), new)


def test_what_is_not_trusted_is_not_mixed():
    new, old = np.ones((4, 5, 5), np.float32), np.full((4, 5, 5), 1.1, np.float32)
    assert_array_equal(still(new, old, trust=0.0), new)
