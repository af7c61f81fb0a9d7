"""The cartoon of an array: golden pictures, odd shapes, any layout."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import engine
from engine.cartoon.classic.stylise import draw, redraw
from engine.options import CartoonOptions
from engine.reference.stylise import cartoonize as reference

GOLDEN = ["astronaut", "blobs", "camera", "column", "flat", "noise", "pixel", "row"]


@pytest.mark.parametrize("name", GOLDEN)
def test_equals_golden_stage_by_stage(golden, name):
    case = golden(f"cartoon_{name}")
    drawing = draw(case["image"], CartoonOptions())
    assert_array_equal(drawing.cartoon, case["cartoon"])
    for channel, got in zip("hsv", drawing.centroids, strict=True):
        assert_array_equal(got, case[f"centroids_{channel}"])


@pytest.mark.parametrize("name", GOLDEN)
def test_reference_equals_golden(golden, name):
    case = golden(f"cartoon_{name}")
    assert_array_equal(reference(case["image"]), case["cartoon"])


@pytest.mark.parametrize(
    ("height", "width"),
    [(1, 1), (1, 2), (2, 1), (1, 97), (97, 1), (2, 2), (3, 5), (17, 33), (64, 65), (200, 301)],
)
@pytest.mark.parametrize("kind", ["noise", "smooth", "flat"])
def test_equals_reference_on_any_shape(height, width, kind):
    rng = np.random.default_rng(height * 1000 + width)
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    if kind == "smooth":
        image = cv2.GaussianBlur(image, (31, 31), 0)
        image = cv2.normalize(image, None, 0, 255, cv2.NORM_MINMAX)
    elif kind == "flat":
        image[:] = image[0, 0]
    assert_array_equal(engine.cartoonize(image), reference(image))


@given(st.data())
def test_what_is_white_around_changes_nothing(data):
    height, width = data.draw(st.tuples(st.integers(1, 60), st.integers(1, 700)))
    image = np.full((height, width, 3), 255, np.uint8)
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    for _ in range(data.draw(st.integers(0, 2))):
        top, left = rng.integers(0, height), rng.integers(0, width)
        part = image[top : top + rng.integers(1, 30), left : left + rng.integers(1, 200)]
        part[:] = rng.integers(data.draw(st.sampled_from([0, 200, 254])), 256, part.shape)
    assert_array_equal(engine.cartoonize(image), reference(image))
    drawing = draw(image, CartoonOptions())
    assert_array_equal(redraw(image, drawing, CartoonOptions()), drawing.cartoon)


def test_equals_reference_on_a_photo_in_both_channel_orders(astronaut):
    for image in (astronaut, astronaut[..., ::-1]):
        assert_array_equal(engine.cartoonize(image), reference(image))


def test_swapping_channels_is_turning_the_picture_before_and_after(golden):
    for name in GOLDEN:
        image = golden(f"cartoon_{name}")["image"]
        got = draw(image, CartoonOptions(), swap=True).cartoon
        assert_array_equal(got[..., ::-1], reference(image[..., ::-1]))


def test_layout_and_writability_do_not_matter(astronaut):
    view = astronaut[10:200:3, 300:20:-2]
    expected = engine.cartoonize(np.ascontiguousarray(view))
    view = view.view()
    view.flags.writeable = False
    assert_array_equal(engine.cartoonize(view), expected)
    assert_array_equal(engine.cartoonize(np.asfortranarray(view)), expected)
    contiguous = np.ascontiguousarray(view)
    contiguous.flags.writeable = False  # as Pillow hands its pixels out
    assert_array_equal(engine.cartoonize(contiguous), expected)


def test_the_picture_is_not_changed(astronaut):
    before = astronaut.copy()
    engine.cartoonize(before)
    assert_array_equal(before, astronaut)


def test_every_run_and_opencv_thread_count_gives_the_same(astronaut):
    expected = engine.cartoonize(astronaut)
    before = cv2.getNumThreads()
    try:
        for threads in (1, 2, 5):
            cv2.setNumThreads(threads)
            assert_array_equal(engine.cartoonize(astronaut), expected)
    finally:
        cv2.setNumThreads(before)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((5, 5), np.uint8),
        np.zeros((5, 5, 4), np.uint8),
        np.zeros((5, 5, 3), np.float32),
        np.zeros((0, 5, 3), np.uint8),
        np.zeros((5, 5, 3), np.int16),
    ],
)
def test_what_is_no_picture_is_refused(image):
    with pytest.raises(engine.PhotoError, match=r"expected uint8 \(H, W, 3\)"):
        engine.cartoonize(image)


def test_redrawing_the_same_picture_gives_the_same_cartoon(astronaut):
    drawing = draw(astronaut, CartoonOptions())
    assert_array_equal(redraw(astronaut, drawing, CartoonOptions()), drawing.cartoon)


def test_without_edges_and_splits_one_colour_is_left(astronaut):
    options = CartoonOptions(edge_low=1e6, edge_high=1e6, split_p_value=0)
    cartoon = engine.cartoonize(astronaut, options)
    assert len(np.unique(cartoon.reshape(-1, 3), axis=0)) == 1
