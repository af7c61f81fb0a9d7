"""Learnt edges, from probability, photo and planes to matte and colours."""

import cv2
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from engine.cutout.refine import STEP, refined_matte

SKIN, WALL = (200, 150, 120), (30, 60, 90)


class ByProbability:
    """A refiner that changes nothing: level planes at the logit of the probability."""

    def find_planes(self, small, coarse):
        assert coarse.shape == tuple((side - 1) // STEP + 1 for side in small.shape[:2])
        planes = np.zeros((*coarse.shape, 4), np.float32)
        planes[..., 3] = np.log(coarse + 0.0025) - np.log(1.0025 - coarse)
        return planes


class ByColour(ByProbability):
    """A refiner for skin before a wall: by red, near the border."""

    def find_planes(self, small, coarse):
        planes = super().find_planes(small, coarse)
        unsure = np.abs(planes[..., 3]) < 5
        planes[unsure] = [40, 0, 0, -40 * 115 / 255]
        return planes


def scene(size, radius, blur=0):
    """A disc before a wall, the true mask, the network's photo, and a coarse probability."""
    y, x = np.ogrid[: size[0], : size[1]]
    distance = np.hypot(y - size[0] / 2, x - size[1] / 2)
    share = np.clip((radius - distance) / max(blur, 1e-6) + 0.5, 0, 1)[..., None]
    photo = np.rint(share * SKIN + (1 - share) * WALL).astype(np.uint8)
    small = cv2.resize(photo, (577, 385), interpolation=cv2.INTER_AREA)
    wide = cv2.resize((distance < radius + 0.01 * size[0]).astype(np.float32), (577, 385))
    return photo, distance < radius, small, cv2.blur(wide, (25, 25))[::STEP, ::STEP].copy()


@pytest.mark.parametrize("size", [(300, 450), (1200, 1800)])
def test_the_edge_follows_the_photos_own_pixels(size):
    photo, truth, small, coarse = scene(size, 0.3 * size[0])
    alpha, _ = refined_matte(coarse, photo, small, 0.5, True, ByColour())
    before = cv2.resize(coarse, size[::-1]) > 0.5
    assert ((alpha > 0.5) != truth).mean() < 0.1 * (before != truth).mean()
    assert alpha.dtype == np.float32
    assert alpha.min() == 0
    assert alpha.max() == 1


def test_no_old_background_is_left_at_a_soft_rim():
    photo, _, small, coarse = scene((300, 450), 90, blur=8)
    alpha, person = refined_matte(coarse, photo, small, 0.5, True, ByColour())
    rim = (alpha > 0.3) & (alpha < 1)
    assert rim.sum() > 200
    error = np.abs(person[rim].astype(int) - SKIN).mean()
    assert error < 0.6 * np.abs(photo[rim].astype(int) - SKIN).mean()
    assert_array_equal(person[alpha == 1], photo[alpha == 1])


def test_far_from_the_border_doubt_leaves_no_haze():
    photo = np.random.default_rng(0).integers(0, 256, (385, 577, 3), dtype=np.uint8)
    coarse = np.full((97, 145), 0.3, np.float32)
    coarse[:, 70:] = 0.8
    alpha, _ = refined_matte(coarse, photo, photo, 0.5, True, ByProbability())
    assert (alpha[:, : 4 * 65] == 0).all()
    assert (alpha[:, 4 * 75 :] == 1).all()
    assert ((alpha > 0) & (alpha < 1)).any()


@pytest.mark.parametrize("value", [0.0, 0.02, 0.98, 1.0])
@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.9])
def test_a_sure_probability_is_all_or_nothing(value, threshold):
    photo = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    coarse = np.full((9, 12), value, np.float32)
    alpha, person = refined_matte(coarse, photo, photo, threshold, True, ByProbability())
    assert (alpha == (value > threshold)).all()
    assert_array_equal(person, photo)


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (2, 3), (7, 300)])
def test_any_size_goes_through(size):
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    coarse = rng.random((5, 6)).astype(np.float32)
    alpha, person = refined_matte(coarse, photo, photo, 0.5, False, ByProbability())
    assert alpha.shape == size
    assert person.shape == photo.shape
    assert np.isfinite(alpha).all()


def test_the_threshold_moves_the_edge():
    photo, _, small, coarse = scene((300, 450), 90, blur=30)
    shares = [
        refined_matte(coarse, photo, small, t, True, ByProbability())[0].mean()
        for t in (0.2, 0.5, 0.8)
    ]
    assert shares[0] > shares[1] > shares[2]
