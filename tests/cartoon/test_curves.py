"""Paths of regions and of level sets: their areas, their borders, and no gaps between them."""

import re

import cv2
import numpy as np
import pytest

from engine.cartoon.curves import BEYOND, GRID, NOTHING, trace_level, trace_regions

SUB = 8
"""Pixels drawn per working pixel."""


def rings(path):
    """Each closed ring as points of its curves, float64 (N, 2), x then y, in working pixels."""
    here = np.zeros(2)
    for ring in path.split("m")[1:]:
        start, *parts = ring.removesuffix("z").split("c")
        here = first = here + numbers(start)
        points = [here[None]]
        for one, two, end in numbers(" ".join(parts)).reshape(-1, 3, 2):
            t = np.linspace(0, 1, 9)[1:, None]
            points.append(here + 3 * t * (1 - t) ** 2 * one + 3 * t**2 * (1 - t) * two + t**3 * end)
            here = here + end
        assert (here == first).all()
        yield np.concatenate(points) / GRID


def numbers(text):
    return np.array(re.findall(r"-?\d+", text), float)


def area(path):
    """Working pixels that the path covers, holes left out."""
    return (
        abs(sum(x @ np.roll(y, -1) - y @ np.roll(x, -1) for x, y in (r.T for r in rings(path)))) / 2
    )


def painted(path, shape):
    """The path filled, uint8 (h * SUB, w * SUB) of 0 and 1."""
    picture = np.zeros((shape[0] * SUB, shape[1] * SUB), np.uint8)
    fine = [np.rint((ring * SUB - 0.5) * 256).astype(np.int32) for ring in rings(path)]
    return cv2.fillPoly(picture, fine, 1, shift=8) if fine else picture


@pytest.fixture(scope="module")
def labels():
    """uint8 (90, 120): regions of many sizes, with holes and corners, in a frame of nothing."""
    noise = np.random.default_rng(0).normal(size=(90, 120))
    smooth = cv2.GaussianBlur(noise, (0, 0), 5)
    labels = np.digitize(smooth, np.quantile(smooth, [0.1, 0.3, 0.5, 0.7, 0.9])).astype(np.uint8)
    return np.pad(labels[3:-3, 3:-3], 3, constant_values=NOTHING)


def test_each_region_has_the_area_of_its_pixels(labels):
    paths = trace_regions(labels)
    assert list(paths) == [0, 1, 2, 3, 4, 5]
    for label, path in paths.items():
        assert area(path) == pytest.approx((labels == label).sum(), rel=0.02)


def test_regions_neither_leave_a_gap_nor_overlap(labels):
    paths = trace_regions(labels)
    cover = sum(painted(path, labels.shape) for path in paths.values())
    assert cover[4 * SUB : -4 * SUB, 4 * SUB : -4 * SUB].min() == 1
    whole = area(trace_regions(np.where(labels == NOTHING, labels, 0))[0])
    assert sum(map(area, paths.values())) == pytest.approx(whole, rel=1e-3)


def test_regions_show_the_labels_of_their_pixels(labels):
    paths = trace_regions(labels)
    centres = np.full(labels.shape, NOTHING)
    for label, path in paths.items():
        centres[painted(path, labels.shape)[SUB // 2 :: SUB, SUB // 2 :: SUB] > 0] = label
    assert (centres == labels).mean() > 0.97


def test_a_border_lies_between_pixels_of_both_labels():
    path = trace_regions(np.repeat(np.array([[0, 1]], np.uint8), [7, 4], 1).repeat(9, 0))[0]
    assert {ring[:, 0].max() for ring in rings(path)} == {7}


def test_nothing_has_no_path():
    labels = np.full((5, 6), NOTHING, np.uint8)
    assert trace_regions(labels) == {}
    labels[2, 3] = 4
    assert list(trace_regions(labels)) == [4]


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (2, 2)])
def test_the_smallest_pictures_are_covered(shape):
    paths = trace_regions(np.zeros(shape, np.uint8))
    assert painted(paths[0], shape).all()
    assert painted(trace_level(np.ones(shape, np.float32)), shape).all()
    assert (
        trace_level(np.full(shape, -1, np.float32))
        == trace_level(np.zeros(shape, np.float32))
        == ""
    )


def test_an_infinite_field_is_cut_at_its_pixels():
    field = np.full((6, 6), -np.inf, np.float32)
    field[2:4, 1:5] = np.inf
    assert area(trace_level(field)) == pytest.approx(8, rel=0.2)
    assert painted(trace_level(np.full((6, 6), np.inf, np.float32)), (6, 6)).all()


@pytest.mark.parametrize("is_hole", [False, True])
def test_one_pixel_is_a_shape(is_hole):
    labels = np.zeros((9, 9), np.uint8)
    labels[4, 4] = 1
    lone = 1 - labels if is_hole else labels
    assert 0.2 < area(trace_regions(lone)[int(not is_hole)]) < 1.2
    level = np.where(labels == 1, np.float32(1), np.float32(-0.25))
    assert area(trace_level(level)) == pytest.approx(2 * 0.8**2, rel=0.4)  # a diamond


def test_a_level_set_has_its_size_at_any_part_of_a_pixel():
    y, x = np.mgrid[:60, :60].astype(np.float32)
    for radius in (3.3, 10.7, 24.2):
        path = trace_level(radius - np.hypot(y - 30.4, x - 29.1))
        (ring,) = rings(path)
        distance = np.hypot(ring[:, 1] - 30.9, ring[:, 0] - 29.6)  # centres lie half a pixel on
        assert np.abs(distance - radius).max() < 0.5
        assert area(path) == pytest.approx(np.pi * radius**2, rel=0.05)


def test_a_level_set_has_holes():
    y, x = np.mgrid[:60, :60].astype(np.float32)
    ring = 5 - np.abs(np.hypot(y - 30, x - 30) - 15)
    assert area(trace_level(ring)) == pytest.approx(np.pi * (20**2 - 10**2), rel=0.02)


def test_a_field_above_zero_at_the_border_reaches_over_it():
    y = np.mgrid[:20, :20][0].astype(np.float32)
    (ring,) = rings(trace_level(9.5 - y))
    assert ring.min(0).tolist() == pytest.approx([-BEYOND, -BEYOND], abs=1)
    assert ring.max(0).tolist() == pytest.approx([20 + BEYOND, 10], abs=1)
