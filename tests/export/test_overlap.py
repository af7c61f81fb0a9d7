"""IoU, boundary IoU and mean IoU on masks whose figures are known."""

import math

import numpy as np
import pytest

from export.overlap import Confusion, Overlap, inner_band
from export.photos import PERSON, VOID


def box(rows, columns, size=(300, 400)):
    mask = np.zeros(size, bool)
    mask[rows, columns] = True
    return mask


def truth_of(mask):
    return np.where(mask, PERSON, 0).astype(np.uint8)


def test_iou_is_pooled_over_pixels():
    overlap = Overlap()
    overlap.add(box(slice(0, 100), slice(0, 100)), truth_of(box(slice(0, 100), slice(50, 150))))
    assert overlap.iou == pytest.approx(1 / 3)
    overlap.add(box(slice(0, 300), slice(0, 400)), truth_of(box(slice(0, 300), slice(0, 400))))
    assert overlap.iou == (5_000 + 120_000) / (15_000 + 120_000)


def test_the_band_is_two_percent_of_the_diagonal_wide():
    band = inner_band(box(slice(100, 200), slice(100, 200)))  # the diagonal is 500
    assert band.sum() == 100 * 100 - 80 * 80
    at_the_border = inner_band(box(slice(0, 300), slice(0, 400)))
    assert at_the_border.sum() == 300 * 400 - 280 * 380


def test_boundary_iou_looks_at_the_bands_only():
    large = box(slice(50, 250), slice(50, 250))
    overlap = Overlap()
    overlap.add(large, truth_of(box(slice(50, 250), slice(60, 250))))
    # 10 columns too many on the left: there the bands lie side by side.
    both = 2 * 10 * 190 + 10 * 180
    either = (200 * 200 - 180 * 180) + (200 * 190 - 180 * 170) - both
    assert overlap.boundary_iou == pytest.approx(both / either)
    assert overlap.iou == pytest.approx(190 / 200)


def test_void_pixels_never_count():
    truth = truth_of(box(slice(0, 100), slice(0, 100)))
    truth[:, 100:] = VOID
    overlap = Overlap()
    overlap.add(box(slice(0, 100), slice(0, 300)), truth)
    assert overlap.iou == 1


def test_nobody_there_and_nobody_found_is_no_figure():
    overlap = Overlap()
    overlap.add(np.zeros((20, 20), bool), np.zeros((20, 20), np.uint8))
    assert math.isnan(overlap.iou)
    assert math.isnan(overlap.boundary_iou)


def test_mean_iou_is_over_the_classes_that_occur():
    confusion = Confusion(3)
    truth = np.array([[0, 0, 1, 1, VOID]], np.uint8)
    confusion.add(np.array([[0, 1, 1, 1, 2]], np.uint8), truth)
    assert confusion.mean_iou == pytest.approx((1 / 2 + 2 / 3) / 2)
