"""Drawing kernels against the reference, bit for bit."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from engine.cartoon.refined.render import find_taps
from engine.kernels import raster as kernels
from engine.reference import raster as reference

seeds = st.integers(0, 2**32 - 1)
sizes = st.tuples(st.integers(2, 12), st.integers(2, 12))
INK = np.array([22, 18, 22], np.uint8)


def make_fields(rng, size, count):
    """Fields, labels, tones, soft, ink and edge of a drawing in `count` colours, and these."""
    colours = rng.integers(0, 256, (count, 3), np.uint8)
    labels = rng.integers(0, count, size).astype(np.uint8)
    labels[: size[0] // 2] = 0
    tones = np.where(rng.random((*size, 1)) < 0.6, colours[labels], rng.integers(0, 256, 3))
    soft = rng.choice(np.array([0, 0, 100, 255], np.uint8), size)
    ink = rng.choice(np.array([-1, -1, -0.4, 0, 0.7, 3], np.float32), size)
    edge = rng.choice(np.array([-1e4, -3, -0.5, 0, 0.5, 3, 1e4, 1e4], np.float32), size)
    fields = rng.integers(0, 256, (count, *size), np.uint8)
    return (fields, labels, tones.astype(np.uint8), soft, ink, edge), colours


def draw(shapes, colours, outline, canvas, box, is_transparent):
    """The kernels, in two strips each: the canvas, and its coverage."""
    fields, *rest = shapes
    h, w = rest[0].shape
    height, width = canvas.shape[:2]
    outline, out = np.float32(outline), canvas.copy()
    kinds = np.empty((h - 1, w - 1), np.uint8)
    coverage = np.zeros((height if is_transparent else 0, width), np.uint8)
    for top, bottom in halves(h - 1):
        kernels.find_kinds(*rest, colours, outline, top, bottom, kinds)
    left, top, right, bottom = box
    rows, row_shares, sy = find_taps(h, top, bottom, height)
    columns, column_shares, sx = find_taps(w, left, right, width)
    starts = left + np.searchsorted(columns[left:right], np.arange(w))
    order = np.random.default_rng(0).permutation(height)
    for first, last in halves(height):
        kernels.render(
            fields, *rest, kinds, colours, INK, outline, rows, row_shares, starts, column_shares,
            sx, sy, order, first, last, out.reshape(height, -1), coverage,
        )  # fmt: skip
    return out, coverage, kinds


def halves(height):
    return (height // 3, height), (0, height // 3)


def draw_reference(shapes, colours, outline, canvas, box, is_transparent):
    left, top, right, bottom = box
    h, w = shapes[1].shape
    rows, row_shares, sy = find_taps(h, top, bottom, len(canvas))
    columns, column_shares, sx = find_taps(w, left, right, canvas.shape[1])
    down, across = slice(top, bottom), slice(left, right)
    taps = reference.Taps(
        (rows[down], row_shares[down]), (columns[across], column_shares[across]), sx, sy
    )
    out, coverage = canvas.copy(), np.zeros(canvas.shape[:2], np.uint8)
    out[down, across], coverage[down, across] = reference.render(
        *shapes, colours, INK, np.float32(outline), taps, canvas[down, across], is_transparent
    )
    return out, coverage if is_transparent else coverage[:0]


def assert_twins_draw_the_same(shapes, colours, outline, canvas, box, is_transparent):
    inputs = shapes, colours, outline, canvas, box, is_transparent
    out, coverage, kinds = draw(*inputs)
    expected, expected_coverage = draw_reference(*inputs)
    kinds_reference = reference.find_kinds(*shapes[1:], colours, np.float32(outline))
    assert_array_equal(kinds, kinds_reference)
    assert_array_equal(coverage, expected_coverage)
    assert_array_equal(out, expected)


@given(
    seeds,
    sizes,
    st.sampled_from([1, 2, 5, 255]),
    st.sampled_from([1.0, 1.3, 4.0]),
    st.sampled_from([0.0, 0.4, 1.7]),
    st.booleans(),
)
@example(0, (2, 60), 5, 1.0, 1.0, False)
@example(0, (60, 2), 5, 2.5, 1.0, True)
@example(0, (2, 2), 1, 8.0, 0.0, False)
def test_drawn_pixels_equal_the_reference(seed, size, count, zoom, outline, is_transparent):
    rng = np.random.default_rng(seed)
    shapes, colours = make_fields(rng, size, count)
    height, width = (int(np.ceil(side * zoom)) for side in size)
    left, top = (int(margin) for margin in rng.integers(0, 3, 2))
    box = left, top, left + width, top + height
    below, right = rng.integers(0, 3, 2)
    canvas = rng.integers(0, 256, (box[3] + below, box[2] + right, 3), np.uint8)
    assert_twins_draw_the_same(shapes, colours, outline, canvas, box, is_transparent)


@pytest.mark.parametrize("is_transparent", [False, True])
def test_nothing_outside_of_the_box_is_touched(is_transparent):
    rng = np.random.default_rng(0)
    shapes, colours = make_fields(rng, (8, 9), 3)
    shapes[-1][:] = 1e4  # all of the box is covered
    canvas = rng.integers(0, 256, (30, 40, 3), np.uint8)
    out, coverage, _ = draw(shapes, colours, 1.0, canvas, (5, 7, 32, 23), is_transparent)
    inside = np.zeros((30, 40), bool)
    inside[7:23, 5:32] = True
    assert_array_equal(out[~inside], canvas[~inside])
    if is_transparent:
        assert_array_equal(coverage, np.where(inside, 255, 0))


def test_a_flat_drawing_is_its_colour():
    shapes, _ = make_fields(np.random.default_rng(0), (6, 6), 1)
    fields, labels, _, soft, ink, edge = shapes
    colours = np.array([[10, 200, 30]], np.uint8)
    ink[:], edge[:] = -1, 1e4
    shapes = fields, labels, colours[labels], soft, ink, edge
    out, _, kinds = draw(
        shapes, colours, 0.0, np.zeros((12, 12, 3), np.uint8), (0, 0, 12, 12), False
    )
    assert (kinds == kernels.FLAT).all()
    assert (out == colours[0]).all()


def test_a_border_lies_where_two_fields_are_equal():
    size = 8, 9
    x = np.arange(9) * 30
    fields = np.array([np.broadcast_to(240 - x, size), np.broadcast_to(x, size)], np.uint8)
    labels = np.where(np.arange(9) > 4, np.ones(size), 0).astype(np.uint8)
    colours = np.array([[0, 0, 0], [200, 200, 200]], np.uint8)
    ink, edge = np.full(size, -1, np.float32), np.full(size, 1e4, np.float32)
    shapes = fields, labels, colours[labels], np.zeros(size, np.uint8), ink, edge
    out, _, _ = draw(shapes, colours, 0.0, np.zeros((*size, 3), np.uint8), (0, 0, 9, 8), False)
    assert_array_equal(out[3, :, 0], [0, 0, 0, 0, 100, 200, 200, 200, 200])


def test_a_silhouette_covers_a_part_of_the_pixels_on_it():
    size = 4, 8
    edge = np.broadcast_to(np.arange(8, dtype=np.float32) - np.float32(3.25), size).copy()
    colours, labels = np.array([[100, 100, 100]], np.uint8), np.zeros(size, np.uint8)
    ink = np.full(size, -1, np.float32)
    shapes = labels[None], labels, colours[labels], labels, ink, edge
    out, coverage, _ = draw(
        shapes, colours, 0.0, np.zeros((*size, 3), np.uint8), (0, 0, 8, 4), True
    )
    assert_array_equal(coverage[0], [0, 0, 0, 64, 255, 255, 255, 255])
    assert (out[coverage > 0] == 100).all()
