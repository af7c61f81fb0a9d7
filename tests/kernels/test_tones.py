"""Counting, merging and assigning colours: kernels against the reference, bit for bit."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from engine.kernels import tones as kernels
from engine.reference import tones as reference

seeds = st.integers(0, 2**32 - 1)
sizes = st.tuples(st.integers(1, 20), st.integers(1, 20))
alphas = st.sampled_from([(0.0, 1.0), (0.0,), (1.0,), (0.3,), (0.0, 0.4999, 0.5, 0.502, 1.0)])
RULES = np.float32(0.6), np.float32(2.5), np.float32(5.0)


def make_lab(rng, size):
    """Any colour, whole numbers and the ends of the range among them."""
    lab = rng.uniform((0, -128, -128), (100, 127, 127), (*size, 3))
    whole = rng.random(size) < 0.3
    lab[whole] = np.rint(lab[whole])
    return lab.astype(np.float32)


def count(lab, alpha):
    """The kernel, in two strips."""
    hists, cells = np.zeros((3, 256), np.int64), np.zeros((np.prod(kernels.CELLS), 4), np.int64)
    for top, bottom in halves(len(lab)):
        kernels.count(lab, alpha, top, bottom, hists, cells)
    return hists, cells


def halves(height):
    return (height // 3, height), (0, height // 3)


def assign(lab, colours, painted, rules=RULES, alpha=None):
    """The kernel, in two strips: labels, tones, and how far these hold."""
    size = lab.shape[:2]
    alpha = np.ones(size, np.float32) if alpha is None else alpha
    labels, soft = np.empty((2, *size), np.uint8)
    tones = np.empty((*size, 3), np.uint8)
    for top, bottom in halves(len(lab)):
        kernels.assign(lab, alpha, colours, painted, *rules, top, bottom, labels, tones, soft)
    return labels, tones, soft


def merge(colours, mass, *rules):
    colours, mass = colours.copy(), mass.copy()
    remaining = kernels.merge(colours, mass, *rules)
    return colours[:remaining], mass[:remaining]


def find_nearest(points, colours):
    nearest = np.empty(len(points), np.int64)
    kernels.find_nearest(points, colours, nearest)
    return nearest


def find_highest(fields):
    highest = np.empty(fields.shape[1:], np.uint8)
    for top, bottom in halves(fields.shape[1]):
        kernels.find_highest(fields, top, bottom, highest)
    return highest


@given(seeds, sizes, alphas)
@example(0, (1, 90), (0.0, 1.0))
@example(0, (90, 1), (0.5,))
def test_counts_equal_the_reference(seed, size, levels):
    rng = np.random.default_rng(seed)
    lab, alpha = make_lab(rng, size), rng.choice(np.array(levels, np.float32), size)
    for got, expected in zip(count(lab, alpha), reference.count(lab, alpha), strict=True):
        assert_array_equal(got, expected)


@pytest.mark.parametrize("colour", [(0, 0, 0), (100, 0, 0), (100, -128, 127), (53, 80, 67)])
def test_one_colour_lies_in_one_cell(colour):
    lab = np.full((4, 5, 3), colour, np.float32)
    hists, cells = count(lab, np.ones((4, 5), np.float32))
    (cell,) = cells[cells[:, 0] > 0]
    assert cell[0] == hists[0].sum() == hists[1].sum() == 20 * 255
    assert_allclose(cell[1:] / (cell[0] * kernels.SPLIT), colour, atol=0.5 / kernels.SPLIT)
    assert bool(hists[2].any()) == (np.hypot(*colour[1:]) > 4)


def test_the_hue_is_the_angle_of_a_and_b():
    for angle in np.arange(0.5, 360):
        a, b = 50 * np.cos(np.radians(angle)), 50 * np.sin(np.radians(angle))
        hists, _ = count(np.full((1, 1, 3), (50, a, b), np.float32), np.ones((1, 1), np.float32))
        assert hists[2].argmax() == int(angle / 2)


@given(seeds, st.integers(0, 60), st.integers(1, 255))
def test_the_nearest_colours_equal_the_reference(seed, points, colours):
    rng = np.random.default_rng(seed)
    points, colours = (
        rng.integers(0, 9, (points, 3)) * 10.0,
        rng.integers(0, 9, (colours, 3)) * 10.0,
    )
    assert_array_equal(find_nearest(points, colours), reference.find_nearest(points, colours))


@given(seeds, st.integers(1, 40), st.integers(1, 30), st.sampled_from([0.0, 7.5, 50.0, 1e9]))
@example(0, 1, 1, 1e9)
@example(0, 40, 1, 0.0)
def test_merged_colours_equal_the_reference(seed, count, most, least_distance):
    rng = np.random.default_rng(seed)
    colours, mass = rng.integers(0, 12, (count, 3)) * 8.0, rng.integers(1, 9, count) / 100
    rules = most, least_distance**2, 0.03
    for got, expected in zip(
        merge(colours, mass, *rules), reference.merge(colours, mass, *rules), strict=True
    ):
        assert_array_equal(got, expected)


@given(seeds, st.integers(2, 40), st.integers(1, 30))
def test_merging_keeps_the_mass_and_its_centre(seed, count, most):
    rng = np.random.default_rng(seed)
    colours, mass = rng.uniform(0, 100, (count, 3)), rng.uniform(0.1, 1, count)
    few, few_mass = merge(colours, mass, most, 7.5**2, 0.0)
    assert len(few) <= most
    assert_allclose(few_mass.sum(), mass.sum())
    assert_allclose(few_mass @ few, mass @ colours)


@given(seeds, sizes, st.sampled_from([1, 2, 3, 24, 255]), st.sampled_from([0.0, 0.25, 1.0]))
@example(0, (1, 90), 24, 0.6)
@example(0, (90, 1), 24, 0.6)
@example(0, (1, 1), 1, 0.6)
def test_assigned_colours_equal_the_reference(seed, size, count, softness):
    rng = np.random.default_rng(seed)
    lab = make_lab(rng, size) * rng.choice(np.array([0.02, 1], np.float32))  # gentle ones, too
    colours = make_lab(rng, (count,)) * np.array([1, 1.5, 1.5], np.float32)
    painted = rng.integers(0, 256, (count, 3), np.uint8)
    rules = np.float32(softness), *RULES[1:]
    alpha = rng.choice(np.array([0, 0.01, 1], np.float32), size)
    got = assign(lab, colours, painted, rules, alpha)
    expected = reference.assign(lab, alpha, colours, painted, *map(float, rules))
    for one, other in zip(got, expected, strict=True):
        assert_array_equal(one, other)


def test_equal_colours_are_no_trouble():
    lab = make_lab(np.random.default_rng(0), (5, 6))
    colours, painted = np.full((2, 3), 30, np.float32), np.full((2, 3), 77, np.uint8)
    labels, tones, _ = assign(lab, colours, painted)
    assert (labels == 0).all()
    assert (tones == 77).all()


def test_tones_pass_softly_half_way_between_two_colours():
    lab = np.zeros((1, 101, 3), np.float32)
    lab[0, :, 0] = np.arange(101)
    colours = np.array([[0, 0, 0], [100, 0, 0]], np.float32)
    painted = np.array([[0, 0, 0], [200, 200, 200]], np.uint8)
    labels, tones, soft = assign(lab, colours, painted)
    assert_array_equal(np.delete(labels[0], 50), np.repeat([0, 1], 50))  # 50 is as near to both
    assert (np.diff(tones[0, :, 0].astype(int)) >= 0).all()
    assert tones[0, 50, 0] == 100
    assert set(tones[0, :20, 0]) == {0}
    assert set(tones[0, 81:, 0]) == {200}
    assert (soft == 255).all()


@given(seeds, st.integers(1, 255), sizes)
@example(0, 255, (1, 90))
@example(0, 255, (90, 1))
def test_the_highest_field_equals_the_reference(seed, count, size):
    rng = np.random.default_rng(seed)
    fields = rng.integers(0, rng.choice([1, 4, 256]), (count, *size), np.uint8)
    assert_array_equal(find_highest(fields), reference.find_highest(fields))


def test_the_last_of_255_fields_can_be_the_highest():
    fields = np.zeros((255, 2, 2), np.uint8)
    fields[254, 0, 0] = 1
    assert_array_equal(find_highest(fields), [[254, 0], [0, 0]])
