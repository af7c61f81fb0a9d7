"""The front door to all styles: an array to its cartoon."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import engine
from engine.cartoon.classic import stylise as classic
from engine.options import STYLES

PHOTO = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
HALF = np.repeat(np.float32([[0, 1]]), [30, 30], axis=1).repeat(40, axis=0)


@pytest.mark.parametrize("style", STYLES)
def test_every_style_draws_a_picture_of_the_same_size_and_leaves_the_photo_alone(style):
    before = PHOTO.copy()
    got = engine.stylise(PHOTO, style=style)
    assert got.shape == PHOTO.shape
    assert got.dtype == np.uint8
    assert_array_equal(PHOTO, before)


def test_comic_is_the_default():
    assert_array_equal(engine.stylise(PHOTO, HALF), engine.stylise(PHOTO, HALF, "comic"))


def test_classic_is_the_method_fed_with_bgr_as_in_the_pipeline():
    expected = engine.cartoonize(PHOTO[..., ::-1])[..., ::-1]
    assert_array_equal(engine.stylise(PHOTO, style="classic"), expected)
    assert_array_equal(expected, classic.draw(PHOTO, engine.CartoonOptions(), swap=True).cartoon)


def test_what_alpha_leaves_out_is_white():
    got = engine.stylise(PHOTO, HALF, "poster")
    assert (got[:, :20] == 255).all()
    assert (got[:, 40:] < 255).any()


@pytest.mark.parametrize("turned", [PHOTO[:, ::-1], PHOTO.swapaxes(0, 1), PHOTO[::2, ::3]])
def test_any_layout_in_memory_gives_the_same(turned):
    assert_array_equal(engine.stylise(turned), engine.stylise(turned.copy()))


@pytest.mark.parametrize(
    ("image", "alpha", "reason"),
    [
        (PHOTO[..., 0], None, "expected uint8"),
        (PHOTO.astype(float), None, "expected uint8"),
        (PHOTO[:0], None, "with pixels"),
        (PHOTO, HALF[:20], r"expected float32 of shape \(40, 60\)"),
        (PHOTO, HALF > 0, "alpha: bool"),
        (PHOTO, HALF * 2, "above 1"),
        (PHOTO, HALF * np.nan, "above 1"),
    ],
)
def test_what_is_no_picture_or_matte_is_refused(image, alpha, reason):
    with pytest.raises(engine.PhotoError, match=reason):
        engine.stylise(image, alpha)


def test_options_that_a_style_does_not_know_are_refused():
    with pytest.raises(engine.OptionError, match="Did you mean comic"):
        engine.stylise(PHOTO, style="comics")
    with pytest.raises(engine.OptionError, match="classic has no lines"):
        engine.stylise(PHOTO, style="classic", lines=0)


@pytest.mark.parametrize(
    ("style", "others"),
    [
        ("classic", {"engine.cartoon.refined.draw"}),
        ("comic", {"engine.cartoon.classic.stylise", "engine.kernels.edges",
                   "engine.kernels.pixels", "engine.cartoon.svg"}),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_a_style_loads_its_own_kernels_only(style, others):
    code = (
        "import sys; import engine.pipeline; from engine.cartoon.style import load_style\n"
        f"load_style(engine.CartoonOptions({style!r}))\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "engine.pipeline" in done.stdout.split()
    assert others.isdisjoint(done.stdout.split())
