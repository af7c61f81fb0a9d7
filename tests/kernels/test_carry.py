"""The kernels that mix a drawing with the frame before's, against the reference, bit for bit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from engine.kernels import carry as kernels
from engine.reference import carry as reference

sides = st.integers(1, 12)
LIGHT = np.float32(1.02)
GAIN = np.array([LIGHT] * 4 + [1], np.float32)
PER_UNIT = np.array([0.5, 1, 1, 0.005, 2], np.float32)
MOST, LEAST, CALM = np.float32(0.85), np.float32(0.1), np.float32(0.3)


def carry_picture(new, old, motion, rows, columns, places):
    """The mixture of pictures, float32 (h, w, 5), in two strips, the later one first."""
    smoothed, alpha = new[..., :3].copy(), new[..., 4].copy()
    lab = np.dstack([np.rint(new[..., 3]).astype(np.uint8)] * 3)
    kept = np.empty((*alpha.shape, 2), np.float32)
    before = np.ascontiguousarray(old[..., :3]), np.ascontiguousarray(old[..., 3:])
    rest = motion, *rows, *columns, *places, LIGHT, PER_UNIT, MOST, CALM
    for strip in strips(new):
        kernels.carry_picture(smoothed, lab, alpha, kept, *before, *rest, *strip)
    assert_array_equal(kept[..., 1], alpha)
    assert_array_equal(lab[..., 0], np.rint(np.minimum(kept[..., 0], 255)))
    return np.dstack([smoothed, kept])


def strips(new):
    middle = len(new) // 3
    return (middle, len(new)), (0, middle)


def axis(rng, count, cells):
    before = rng.integers(0, cells, count)
    return before, rng.random(count, np.float32)


def draw_motion(rng, new, cells):
    """A motion, and how pixels of `new`, (h, w), lie in it and in the frame before."""
    (h, w), (m, n) = new, cells
    motion = rng.normal(0, 1, (m, n, 3)).astype(np.float32)
    motion[..., :2] *= rng.random() > 0.3
    motion[..., 2] = rng.random((m, n), np.float32)
    places = (
        np.arange(w, dtype=np.float32),
        np.arange(h, dtype=np.float32) + np.float32(rng.choice([0, 0.3])),
    )
    return motion, axis(rng, h, m), axis(rng, w, n), places


frames = given(
    seed=st.integers(0, 2**32 - 1), new=st.tuples(sides, sides), old=st.tuples(sides, sides),
    cells=st.tuples(sides, sides),
)  # fmt: skip


@frames
def test_pictures_equal_the_reference(seed, new, old, cells):
    rng = np.random.default_rng(seed)
    way = draw_motion(rng, new, cells)
    new, old = (rng.random((*size, 5), np.float32) for size in (new, old))
    new[..., 4] *= rng.random(new.shape[:2]) > 0.2
    new[..., 3], old[..., 3] = np.rint(255 * new[..., 3]), 255 * old[..., 3]
    expected = reference.carry(new, old, *way, GAIN, PER_UNIT, MOST, np.float32(0), CALM)
    assert_array_equal(carry_picture(new, old, *way), expected)


@frames
def test_lines_equal_the_reference(seed, new, old, cells):
    rng = np.random.default_rng(seed)
    motion, rows, columns, places = draw_motion(rng, new, cells)
    new, old = (rng.random((*size, 2), np.float32) for size in (new, old))
    per_unit = np.array([0, 1.5], np.float32)
    expected = reference.carry(
        new, old, motion, rows, columns, places, np.ones(2, np.float32), per_unit, MOST, LEAST, CALM
    )
    ink, edge, *before = (np.ascontiguousarray(f[..., c]) for f in (new, old) for c in range(2))
    rest = motion, *rows, *columns, *places, per_unit[1], MOST, LEAST, CALM
    for strip in strips(new):
        kernels.carry_lines(ink, edge, *before, *rest, *strip)
    assert_array_equal(np.dstack([ink, edge]), expected)


def still(new, old, trust=1.0):
    h, w = new.shape[:2]
    cells = np.zeros(h, np.int64), np.zeros(h, np.float32)
    columns = np.zeros(w, np.int64), np.zeros(w, np.float32)
    places = np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32)
    motion = np.array([[[0, 0, trust]]], np.float32)
    return carry_picture(new, old, motion, cells, columns, places)


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


def test_what_gets_lighter_than_white_stays_white():
    new, old = np.ones((1, 1, 5), np.float32), np.ones((1, 1, 5), np.float32)
    new[..., 3] = old[..., 3] = 255
    assert still(new, old)[0, 0, 3] > 255  # the rounded one is compared in carry_picture
