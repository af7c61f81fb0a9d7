"""The cut-out of classic mode against the reference and the golden case."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import engine
from engine.cutout.classic import voc_colours
from engine.reference import decode as reference


def test_equals_golden(golden):
    case = golden("decode_segmap")
    assert_array_equal(engine.decode_segmap(case["label_map"], case["image"]), case["out"])
    assert_array_equal(reference.decode_segmap(case["label_map"], case["image"]), case["out"])
    person = np.where(case["label_map"] == 15, 15, 0)
    assert_array_equal(engine.decode_segmap(person, case["image"]), case["person_only"])


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (13, 1), (40, 61)])
def test_equals_reference_for_all_classes(size):
    rng = np.random.default_rng(1)
    label_map = rng.integers(0, 21, size, dtype=np.uint8)
    photo = rng.integers(0, 256, (50, 70, 3), dtype=np.uint8)
    got = engine.decode_segmap(label_map, photo)
    assert_array_equal(got, reference.decode_segmap(label_map, photo))
    assert got.dtype == np.float64
    assert got.min() >= 0
    assert got.max() <= 1


def test_palette_is_the_standard_one():
    assert_array_equal(voc_colours()[:21], reference.VOC_COLOURS)
    assert len(np.unique(voc_colours(), axis=0)) == 256


def test_an_aeroplane_keeps_its_red_only():
    photo = np.zeros((30, 30, 3), np.uint8)
    got = engine.decode_segmap(np.full((30, 30), 1), photo)
    assert_array_equal(got[15, 15], [0, 1, 1])


@pytest.mark.parametrize(
    ("label_map", "photo"),
    [
        (np.zeros((3, 3)), np.zeros((3, 3, 3), np.uint8)),
        (np.zeros(3, int), np.zeros((3, 3, 3), np.uint8)),
        (np.full((3, 3), 256), np.zeros((3, 3, 3), np.uint8)),
        (np.full((3, 3), -1), np.zeros((3, 3, 3), np.uint8)),
        (np.zeros((0, 3), int), np.zeros((3, 3, 3), np.uint8)),
        (np.zeros((3, 3), int), np.zeros((3, 3), np.uint8)),
        (np.zeros((3, 3), int), np.zeros((3, 3, 3))),
    ],
)
def test_unfit_arrays_are_refused(label_map, photo):
    with pytest.raises(engine.PhotoError, match="expected"):
        engine.decode_segmap(label_map, photo)
