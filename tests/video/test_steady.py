"""Motion, its trust, and what is steadied along it."""

import numpy as np
import pytest

from engine.cartoon.refined.working import View
from engine.video.flow import FlowFinder, Motion, find_light, glance
from engine.video.shots import change_of_colours, may_be_cut
from engine.video.steady import SteadyDrawing, SteadyProbability

SIZE = (128, 192)


def texture(seed=0, size=SIZE):
    """Soft blobs, uint8 (h, w, 3)."""
    import cv2

    noise = np.random.default_rng(seed).normal(128, 400, (*size, 3))
    return np.clip(cv2.GaussianBlur(noise, (0, 0), 5), 0, 255).astype(np.uint8)


def motion(before, now):
    return FlowFinder()(glance(before), glance(now))


def rest(height, width, trust=1.0, light=1.0):
    way = np.zeros((height, width, 2), np.float32)
    return Motion(way, np.full((height, width), trust, np.float32), light)


def test_a_still_noisy_picture_rests():
    rng = np.random.default_rng(1)
    noisy = [np.clip(texture() + rng.normal(0, 2, (*SIZE, 3)), 0, 255) for _ in range(2)]
    got = motion(*(np.rint(frame).astype(np.uint8) for frame in noisy))
    assert (got.way == 0).mean() > 0.99
    assert got.trust.mean() > 0.98


def test_a_shift_is_found_and_trusted():
    big = texture(size=(128, 200))
    got = motion(np.ascontiguousarray(big[:, 8:]), np.ascontiguousarray(big[:, :-8]))
    inner = got.way[10:-10, 20:-20]
    assert np.median(np.abs(inner[..., 0] + 4)) < 0.2
    assert np.median(np.abs(inner[..., 1])) < 0.2
    assert got.trust[10:-10, 20:-20].mean() > 0.9


def test_what_comes_in_from_outside_is_not_trusted():
    big = texture(size=(128, 200))
    got = motion(np.ascontiguousarray(big[:, 8:]), np.ascontiguousarray(big[:, :-8]))
    assert got.trust[10:-10, 0].mean() < 0.1


def test_another_picture_is_not_trusted_and_may_be_a_cut():
    before, now = texture(0), 255 - texture(5)
    now[:64] //= 3
    got = motion(before, now)
    assert got.trust.mean() < 0.5
    assert may_be_cut(glance(before), glance(now), got)
    assert not may_be_cut(glance(before), glance(before), motion(before, before))


def test_the_same_colours_in_another_place_are_no_change():
    picture = texture()
    assert change_of_colours(picture, picture[::-1, ::-1]) < 1e-6
    assert change_of_colours(picture, picture // 3) > 0.3


def test_the_light_is_measured_where_people_are():
    before = texture()
    now = before.copy()
    now[:, 96:] = np.rint(now[:, 96:] * 0.97)
    people = np.zeros(SIZE, np.float32)
    people[:, 110:] = 1
    got = find_light(glance(before), glance(now), rest(64, 96), people)
    assert got == pytest.approx(0.97, abs=0.005)
    assert find_light(glance(before), glance(now), rest(64, 96), 0 * people) == 1


def test_a_network_that_changes_its_mind_once_is_not_believed():
    steady = SteadyProbability()
    nobody, somebody = np.zeros((9, 9), np.float32), np.ones((9, 9), np.float32)
    steady(nobody, None)
    assert steady(somebody, rest(9, 9)).max() < 0.5
    assert steady(nobody, rest(9, 9)).max() < 0.5


def test_who_is_gone_is_gone_after_six_frames_even_where_all_is_trusted():
    steady = SteadyProbability()
    steady(np.ones((9, 9), np.float32), None)
    for _ in range(6):
        got = steady(np.zeros((9, 9), np.float32), rest(9, 9))
    assert got.max() < 0.5


def test_what_is_not_trusted_is_believed_at_once():
    steady = SteadyProbability()
    steady(np.zeros((9, 9), np.float32), None)
    assert steady(np.ones((9, 9), np.float32), rest(9, 9, trust=0)).min() == 1


def view(box, reference=400.0):
    return View(box, 1.0, reference, (360, 640))


def test_the_view_stays_while_somebody_moves_a_little():
    memory = SteadyDrawing()
    first = memory.hold(view((200, 80, 400, 300)))
    assert memory.hold(view((206, 78, 405, 301), reference=420.0)) == first


def test_the_view_follows_who_leaves_it_and_keeps_its_unit():
    memory = SteadyDrawing()
    first = memory.hold(view((200, 80, 400, 300)))
    later = memory.hold(view((300, 80, 500, 300), reference=420.0))
    assert later.box[2] >= 500
    assert later.unit == first.unit


def test_a_large_person_is_drawn_at_a_pixel_per_unit():
    assert SteadyDrawing().hold(view((0, 0, 640, 360), reference=1360.0)).unit == 1


def test_the_unit_is_renewed_when_somebody_has_come_near():
    memory = SteadyDrawing()
    first = memory.hold(view((200, 80, 300, 200)))
    assert memory.hold(view((100, 0, 600, 360), reference=600.0)).unit > 1.4 * first.unit
