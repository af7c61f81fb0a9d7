"""A picture laid on another: the formula, bit for bit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal

from engine.kernels.blend import blend

SIDES = st.integers(1, 24)
PICTURES = st.tuples(SIDES, SIDES).flatmap(lambda size: arrays(np.uint8, (*size, 3)))


@given(
    PICTURES.flatmap(
        lambda photo: st.tuples(
            st.just(photo),
            arrays(np.float32, photo.shape[:2], elements=st.floats(0, 1, width=32)),
            st.sampled_from([photo.shape, (1, 1, 3)]).flatmap(lambda s: arrays(np.uint8, s)),
        )
    )
)
def test_blend_equals_its_formula(case):
    photo, alpha, background = case
    below = background.astype(np.float32)
    expected = np.rint(below + alpha[..., None] * (photo.astype(np.float32) - below))
    out = np.empty_like(photo)
    blend(photo, alpha, background, out)
    assert_array_equal(out, expected.astype(np.uint8))


def test_alpha_of_one_gives_the_photo_and_of_zero_the_background():
    rng = np.random.default_rng(0)
    photo, background = rng.integers(0, 256, (2, 9, 7, 3), dtype=np.uint8)
    out = np.empty_like(photo)
    blend(photo, np.ones((9, 7), np.float32), background, out)
    assert_array_equal(out, photo)
    blend(photo, np.zeros((9, 7), np.float32), background, out)
    assert_array_equal(out, background)
