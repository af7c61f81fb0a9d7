"""People pasted on scenes, and cloth hung behind them."""

import cv2
import numpy as np
from numpy.testing import assert_array_equal

from export.photos import PERSON, VOID
from export.training.pasting import hang_behind, paste_person


def test_a_pasted_person_is_labelled():
    donor = np.full((80, 60, 3), 240, np.uint8)
    alpha = np.zeros((80, 60), np.uint8)
    alpha[10:70, 20:45] = 255
    for seed in range(10):
        scene = np.zeros((100, 140, 3), np.uint8), np.zeros((100, 140), np.uint8)
        before = (*scene, np.zeros((100, 140), np.uint8))
        donated = (donor, np.where(alpha > 127, PERSON, 0), alpha)
        photo, mask, share = paste_person(before, donated, np.random.default_rng(seed))
        assert (mask == PERSON).any()
        assert not any(each.any() for each in before)
        assert ((photo[..., 0] > 50) == (mask == PERSON)).mean() > 0.97
        assert_array_equal(share > 127, mask == PERSON)


def test_hair_is_pasted_in_its_own_colour_and_not_with_its_old_background():
    alpha = np.zeros((80, 60), np.uint8)
    alpha[10:70, 20:45] = 255
    alpha = cv2.GaussianBlur(alpha, (9, 9), 0)
    share = alpha[..., None] / 255
    donor = (share * (200, 30, 30) + (1 - share) * (0, 0, 255)).astype(np.uint8)
    scene = np.full((100, 140, 3), 90, np.uint8), np.zeros((100, 140), np.uint8)
    view = (*scene, np.zeros((100, 140), np.uint8))
    photo, _, share = paste_person(view, (donor, alpha, alpha), np.random.default_rng(4))
    half = (share > 60) & (share < 200)
    assert half.sum() > 20
    assert photo[half][:, 2].max() < 120  # half of the blue would be more


def test_cloth_hangs_behind_the_person_and_leaves_unknown_parts_alone():
    photo = np.full((90, 120, 3), 90, np.uint8)
    mask = np.full((90, 120), 9, np.uint8)
    mask[20:80, 40:80] = PERSON
    mask[:10] = VOID
    alpha = np.where(mask == PERSON, np.uint8(255), np.uint8(0))
    before = photo.copy(), mask.copy(), alpha.copy()
    hung = []
    for seed in range(20):
        seen, classes, share = hang_behind((photo, mask, alpha), np.random.default_rng(seed))
        assert_array_equal(seen[mask == PERSON], photo[mask == PERSON])
        assert_array_equal(seen[:10], photo[:10])
        assert_array_equal(classes == PERSON, mask == PERSON)
        assert_array_equal(classes == VOID, mask == VOID)
        assert share is alpha
        assert (seen[classes == 9] == 90).mean() > 0.99  # chairs stay where nothing hangs
        hung.append((classes == 0).mean())
    assert np.mean(hung) > 0.05
    for old, new in zip(before, (photo, mask, alpha), strict=True):
        assert_array_equal(old, new)


def test_cloth_hangs_where_nobody_is_too_and_is_a_function_of_its_seed():
    photo, empty = np.full((40, 70, 3), 90, np.uint8), np.zeros((40, 70), np.uint8)
    first, again = (
        [hang_behind((photo, empty, empty), np.random.default_rng(seed))[0] for seed in range(5)]
        for _ in range(2)
    )
    assert_array_equal(first, again)
    assert any((picture != 90).any() for picture in first)
