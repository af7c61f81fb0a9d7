"""Traced borders against the reference, step by step; curves against least squares."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose

from engine.kernels import contours
from engine.reference import contours as reference

LABELS = array_shapes(min_dims=2, max_dims=2, max_side=12).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 3))
)
TOLERANCE = 0.3


def trace(labels):
    """The kernel's arcs in the form of the reference's."""
    steps = 2 * labels.size
    points, ends = np.empty((3 * steps, 2), np.int32), np.empty(steps, np.int64)
    arcs = np.empty((steps, 3), np.int64)
    count = contours.trace_borders(labels, points, ends, arcs)
    parts = np.split(points, ends[:count])[:count]
    return [
        (left, right, bool(is_loop), [tuple(point) for point in part.tolist()])
        for (left, right, is_loop), part in zip(arcs[:count].tolist(), parts, strict=True)
    ]


@given(LABELS)
def test_borders_equal_the_reference(labels):
    padded = np.pad(labels, 1, constant_values=9)
    assert trace(padded) == reference.trace_borders(padded)


IMPLEMENTATIONS = pytest.mark.parametrize("trace", [trace, reference.trace_borders])


@IMPLEMENTATIONS
def test_pixels_of_the_larger_label_that_touch_crosswise_hang_together(trace):
    picture = np.zeros((4, 4), np.uint8)
    picture[1, 1] = picture[2, 2] = 1
    assert [len(points) for *_, points in trace(picture)] == [8]
    assert [len(points) for *_, points in trace(1 - picture)] == [4, 4]


@IMPLEMENTATIONS
def test_where_three_labels_meet_an_arc_ends(trace):
    picture = np.pad(np.array([[1, 2]], np.uint8), 1)
    arcs = trace(picture)
    assert sorted(arc[:3] for arc in arcs) == [(0, 2, False), (1, 0, False), (2, 1, False)]
    assert {arc[3][0] for arc in arcs} | {arc[3][-1] for arc in arcs} == {(1, 3), (3, 3)}


@given(st.integers(0, 2**32 - 1), st.integers(4, 40))
def test_a_cubic_is_the_nearest_one(seed, count):
    rng = np.random.default_rng(seed)
    angle = np.cumsum(rng.normal(0, 0.05, count))
    line = np.cumsum(np.stack([np.sin(angle), np.cos(angle)], 1), 0) + rng.normal(
        0, 0.02, (count, 2)
    )
    steps = np.hypot(*np.diff(line, axis=0).T)
    along = np.concatenate([[0], np.cumsum(steps)])
    leave, arrive = (np.array([np.sin(a), np.cos(a)]) for a in (angle[0], angle[-1]))
    curve = np.empty((3, 2))
    contours.fit_cubic(line, 0, count - 1, along, *leave, *arrive, curve)
    expected = reference.fit_cubic(line, along / along[-1], leave, arrive)
    assert_allclose(curve[:2], expected, rtol=1e-6, atol=1e-6)  # normal equations, not QR
    assert_allclose(curve[2], line[-1])


def fit(points, is_loop):
    curves, ends = np.empty((len(points) + 1, 3, 2)), np.empty(1, np.int64)
    arcs = np.array([[0, 1, is_loop]])
    contours.fit_curves(points, np.array([len(points)]), arcs, TOLERANCE, curves, ends)
    return curves[: ends[0]]


def drawn(start, curves):
    """Points along the curves."""
    t = np.linspace(0, 1, 50)[:, None]
    for one, two, end in curves:
        yield (
            (1 - t) ** 3 * start
            + 3 * t * (1 - t) ** 2 * one
            + 3 * t**2 * (1 - t) * two
            + t**3 * end
        )
        start = end


@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.booleans())
def test_curves_stay_within_the_tolerance(seed, count, is_loop):
    points = np.cumsum(np.random.default_rng(seed).normal(0, 1, (count, 2)), 0)
    curves = fit(points, is_loop)
    assert len(curves) <= count
    assert_allclose(curves[-1, 2], points[0] if is_loop else points[-1])
    way = np.concatenate(list(drawn(points[0], curves)))
    distance = np.hypot(*(points[:, None] - way[None]).transpose(2, 0, 1)).min(1)
    assert distance.max() <= TOLERANCE + 0.1  # between the points drawn of a curve


def test_a_circle_takes_few_curves_without_a_corner():
    angle = np.arange(0, 2 * np.pi, 0.05)
    curves = fit(20 * np.stack([np.sin(angle), np.cos(angle)], 1), True)
    assert len(curves) <= 8
    arrive = curves[:, 2] - curves[:, 1]
    leave = np.roll(curves[:, 0], -1, 0) - curves[:, 2]
    cosine = (arrive * leave).sum(1) / np.hypot(*arrive.T) / np.hypot(*leave.T)
    assert cosine.min() > 0.999
