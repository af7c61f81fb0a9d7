"""Logits to probability, label map and class names."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from engine.errors import OptionError
from engine.segment.labels import class_indices, find_labels, find_probability
from tests.tiny_model import FACTS

CLASSES = tuple(FACTS["classes"])


def test_probability_is_the_share_of_the_kept_classes():
    logits = np.log(np.array([0.2, 0.3, 0.5], np.float32)).reshape(1, 3, 1, 1)
    got = find_probability(logits + 100, np.array([1, 2]))
    assert got.shape == (1, 1)
    # exp and log of float32 at 100: 24 bits, seven of them before the point.
    assert_allclose(got, 0.8, atol=1e-5)


def test_probability_stays_in_range_for_extreme_logits():
    logits = np.array([1e30, -1e30, 3e38], np.float32).reshape(1, 3, 1, 1)
    got = find_probability(logits, np.array([2]))
    assert got.min() >= 0
    assert got.max() <= 1


def test_labels_do_not_depend_on_the_layout():
    logits = np.random.default_rng(0).normal(size=(1, 5, 6, 21)).astype(np.float32)
    view = logits.transpose(0, 3, 1, 2)
    assert_array_equal(find_labels(view, 30, 40), find_labels(view.copy(), 30, 40))


def test_names_are_found_in_any_spelling():
    assert class_indices(("person",), CLASSES).tolist() == [15]
    assert class_indices(("Dog", "diningtable", "person", "dog"), CLASSES).tolist() == [11, 12, 15]
    assert class_indices(("all",), CLASSES).tolist() == list(range(1, 21))
    assert class_indices(("dog", "all"), CLASSES).tolist() == list(range(1, 21))
    assert class_indices(("class1",), ("background", "class1", "class2")).tolist() == [1]


@pytest.mark.parametrize(("name", "hint"), [("persom", "Did you mean person"), ("zzz", "Known")])
def test_an_unknown_name_is_told(name, hint):
    with pytest.raises(OptionError, match=hint):
        class_indices((name,), CLASSES)


def test_the_background_is_no_class_to_keep():
    with pytest.raises(OptionError, match="background"):
        class_indices(("background",), CLASSES)
