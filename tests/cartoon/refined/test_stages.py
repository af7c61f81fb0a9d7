"""Working picture, smoothing, silhouette, ink and regions, each on its own."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from engine.cartoon.colours import Palette
from engine.cartoon.refined.ink import find_ink
from engine.cartoon.refined.regions import find_regions
from engine.cartoon.refined.silhouette import FAR, find_silhouette
from engine.cartoon.refined.smooth import smooth
from engine.cartoon.refined.styles import STYLES
from engine.cartoon.refined.working import LARGEST, LEAST_SIDE, find_working
from tests.cartoon.refined.sitter import portrait

SIDE = 400


def disc(side=SIDE, radius=100):
    """Alpha of a disc in the middle, and the distance from its edge."""
    y, x = np.mgrid[:side, :side] + 0.5
    distance = radius - np.hypot(y - side / 2, x - side / 2)
    return np.clip(distance + 0.5, 0, 1).astype(np.float32), distance


def working_of(photo, alpha=None):
    return find_working(np.ascontiguousarray(photo), alpha)


def test_nobody_has_no_working_picture():
    assert working_of(np.zeros((30, 40, 3), np.uint8), np.zeros((30, 40), np.float32)) is None


@pytest.mark.parametrize("size", [(2_400_000, 1), (1, 2_400_000), (3_200_000, 3)])
def test_a_strip_that_cannot_be_halved_has_a_working_picture(size):
    working = working_of(np.full((*size, 3), 200, np.uint8))
    assert min(working.alpha.shape) == LEAST_SIDE
    assert working.alpha.size <= LARGEST**2
    assert (working.lab == working.lab[0, 0]).all()


@pytest.mark.parametrize("side", [60, 200, 700, 1500, 3000])
def test_a_working_picture_is_enlarged_or_reduced_within_bounds(side):
    alpha, _ = disc(side, side // 4)
    working = working_of(np.full((side, side, 3), 200, np.uint8), alpha)
    left, top, right, bottom = working.box
    seen = np.flatnonzero(alpha.any(axis=0))
    assert 0 <= left <= seen[0]
    assert seen[-1] < right <= side
    height, width = working.alpha.shape
    assert LEAST_SIDE <= max(height, width) <= LARGEST
    assert_allclose([width, height], np.array([right - left, bottom - top]) * working.scale, atol=1)


def test_the_person_s_colours_are_free_of_white_at_the_rim():
    alpha, _ = disc()
    photo = (255 + (np.array([200, 60, 40]) - 255.0) * alpha[..., None] + 0.5).astype(np.uint8)
    working = working_of(photo, alpha)
    kept = working.alpha > 0.5
    assert np.ptp(working.lab[kept].astype(int), axis=0).max() <= 12


def test_smoothing_takes_noise_away_and_leaves_edges():
    photo = np.full((SIDE, SIDE, 3), 90, np.uint8)
    photo[:, SIDE // 2 :] = 190
    photo += np.random.default_rng(0).integers(0, 20, photo.shape, np.uint8)
    light = smooth(working_of(photo), 7.5, 1)[..., 0]
    left, right = light[:, : SIDE // 2 - 3], light[:, SIDE // 2 + 3 :]
    assert right.mean() - left.mean() > 35
    for part in (left, right):
        assert part.std() < 0.8


def test_the_silhouette_is_the_distance_from_the_person_s_edge():
    alpha, distance = disc(600, 200)
    working = working_of(np.full((600, 600, 3), 200, np.uint8), alpha)
    left, top, right, bottom = working.box
    edge, distance = find_silhouette(working), distance[top:bottom, left:right]
    assert working.scale == 1
    near = np.abs(distance) < 2
    assert_allclose(edge[near], distance[near], atol=0.6)
    assert (edge[distance > 6] > 2).all()
    assert (edge[distance < -6] < -2).all()


def test_the_whole_picture_has_no_silhouette():
    working = working_of(np.full((30, 40, 3), 200, np.uint8))
    assert (find_silhouette(working) == FAR).all()


def test_a_dark_line_becomes_ink_and_a_smooth_shade_does_not():
    photo = np.broadcast_to(np.linspace(120, 200, SIDE)[None, :, None], (SIDE, SIDE, 3)).copy()
    photo[200:204, 50:350] = 40
    working = working_of(photo.astype(np.uint8))
    ink = find_ink(smooth(working, 7.5, 1), working, 0.75, 1.0) > 0
    assert working.scale == 1
    assert ink[200:204, 60:340].any(axis=0).all()
    ink[190:214] = False
    assert not ink.any()


def test_short_strokes_are_kept_where_more_detail_is_asked_for():
    photo = np.full((SIDE, SIDE, 3), 200, np.uint8)
    photo[100:104, 40:360] = 30
    photo[250:253, 200:203] = 30
    working = working_of(photo)
    smoothed = smooth(working, 3.0, 1)
    few, many = (find_ink(smoothed, working, 0.75, detail) > 0 for detail in (0.0, 2.0))
    assert few[100:104].any()
    assert not few[240:262].any()
    assert many[240:262].any()


def test_any_number_of_threads_finds_the_same_ink():
    working = working_of(portrait(600)[0])
    smoothed = smooth(working, 7.5, 1)
    one, three = (find_ink(smoothed, working, 0.75, 1.0, threads) for threads in (1, 3))
    assert_array_equal(one, three)


def find(photo, palette, style="comic"):
    working = working_of(photo)
    lab = working.lab * np.array([100 / 255, 1, 1], np.float32) - np.array(
        [0, 128, 128], np.float32
    )
    return find_regions(lab.astype(np.float32), working, palette, STYLES[style], 1)


BLACK_AND_WHITE = Palette.of_colours(np.array([[0, 0, 0], [255, 255, 255]], np.uint8))


@pytest.mark.parametrize("style", STYLES)
def test_specks_are_taken_away_and_stay_away(style):
    photo = np.zeros((SIDE, SIDE, 3), np.uint8)
    photo[:, SIDE // 2 :] = 255
    photo[100, 100] = 255
    regions = find(photo, BLACK_AND_WHITE, style)
    assert_array_equal(
        regions.labels, np.broadcast_to(np.arange(SIDE) >= SIDE // 2, photo.shape[:2])
    )
    assert regions.soft[100, 100] == 0


def test_a_gentle_shade_is_soft_and_ink_never_is():
    photo = np.broadcast_to(np.linspace(0, 255, SIDE)[None, :, None], (SIDE, SIDE, 3)).astype(
        np.uint8
    )
    soft = find(photo, BLACK_AND_WHITE)
    middle = slice(SIDE // 2 - 40, SIDE // 2 + 40)
    assert (soft.soft[:, middle] > 200).mean() > 0.9
    assert (np.diff(soft.tones[0, :, 0].astype(int)) >= 0).all()
    assert not find(photo, BLACK_AND_WHITE, "ink").soft.any()


def test_a_palette_of_255_colours_can_be_drawn_in():
    colours = np.arange(255, dtype=np.uint8)[:, None].repeat(3, axis=1)
    colours[254] = 255, 0, 0
    photo = np.full((SIDE, SIDE, 3), (255, 0, 0), np.uint8)
    photo[:, : SIDE // 2] = np.linspace(0, 253, SIDE // 2)[None, :, None]
    labels = find(photo, Palette.of_colours(colours)).labels
    assert (labels[:, SIDE // 2 + 3 :] == 254).all()
    grey = labels[:, : SIDE // 2 - 3].astype(int)
    assert np.abs(grey - photo[:, : SIDE // 2 - 3, 0]).max() <= 6  # a cell is 4 levels wide
