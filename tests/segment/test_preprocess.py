"""Photo to tensor."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from engine.errors import PhotoError
from engine.segment.preprocess import (
    classic_resize,
    classic_size,
    network_size,
    resize,
    to_tensor,
)
from engine.weights import InputRule, find_model

RULE = InputRule(shorter_side=384, multiple=64, plus=1, longer_side_limit=1537)
_, FACTS = find_model("default")


@pytest.mark.parametrize(
    ("photo", "expected"),
    [
        ((600, 800), (385, 513)),
        ((800, 600), (513, 385)),
        ((3000, 4000), (385, 513)),
        ((1, 1), (385, 385)),
        ((1, 10_000), (65, 1537)),
        ((10_000, 1), (1537, 65)),
        ((1080, 1920), (385, 705)),
    ],
)
def test_network_size_follows_the_rule(photo, expected):
    assert network_size(*photo, RULE) == expected


def test_few_shapes_occur():
    rng = np.random.default_rng(0)
    sizes = {network_size(*map(int, rng.integers(1, 8000, 2)), RULE) for _ in range(5000)}
    assert len(sizes) < 60


@pytest.mark.parametrize(
    ("photo", "expected"),
    [
        ((300, 400), (450, 600)),
        ((400, 300), (600, 450)),
        ((450, 450), (450, 450)),
        ((1000, 1333), (450, 599)),  # int(), not round()
        ((1, 20), (450, 9000)),
    ],
)
def test_classic_size_is_torchvisions(photo, expected):
    assert classic_size(*photo) == expected


def test_classic_refuses_what_would_be_endless():
    with pytest.raises(PhotoError, match="too elongated"):
        classic_size(1, 10_000)


SIDES = st.integers(1, 70)


def pillow(photo, size):
    return np.asarray(Image.fromarray(photo).resize(size[::-1], Image.Resampling.BILINEAR))


@settings(max_examples=150)
@given(st.tuples(SIDES, SIDES), st.tuples(SIDES, SIDES), st.integers(0, 2**32 - 1))
def test_resizing_equals_pillows_two_passes(size, wanted, seed):
    photo = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    across = pillow(photo, (size[0], wanted[1]))
    assert_array_equal(resize(photo, wanted), pillow(across, wanted))
    difference = resize(photo, wanted).astype(int) - classic_resize(photo, wanted)
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_a_large_photo_is_resized_in_strips(threads):
    photo = np.random.default_rng(0).integers(0, 256, (1000, 1500, 3), dtype=np.uint8)
    expected = pillow(pillow(photo, (1000, 577)), (385, 577))
    assert_array_equal(resize(photo, (385, 577), threads), expected)


def test_tensor_is_normalised_pillow_bilinear():
    photo = np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8)
    tensor = to_tensor(classic_resize(photo, (33, 49)), FACTS)
    resized = np.asarray(Image.fromarray(photo).resize((49, 33), Image.Resampling.BILINEAR))
    assert tensor.shape == (1, 3, 33, 49)
    assert tensor.dtype == np.float32
    # Float32 rounding of two divisions.
    assert_allclose(tensor[0], (resized.transpose(2, 0, 1) - 127.5) / 127.5, atol=2e-7)


def test_a_bgr_model_gets_its_channels_turned():
    from dataclasses import replace

    photo = np.zeros((4, 4, 3), np.uint8)
    photo[..., 0] = 255
    tensor = to_tensor(photo, replace(FACTS, channel_order="BGR"))
    assert tensor[0, :, 0, 0].tolist() == [-1, -1, 1]
