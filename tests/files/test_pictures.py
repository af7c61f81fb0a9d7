"""Pictures out: lossless where they should be, and clear about what a format cannot hold."""

import io

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from engine.errors import OptionError, OutputError
from engine.files.pictures import encode_image

RGB = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (5, 7, 4), (1, 1_200_000, 3)])
def test_png_is_lossless_in_the_right_channels(shape):
    picture = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    with Image.open(io.BytesIO(encode_image(picture, "png"))) as image:
        assert image.mode == {(): "L", (3,): "RGB", (4,): "RGBA"}[shape[2:]]
        assert_array_equal(np.asarray(image), picture)


@pytest.mark.parametrize("format", ["png", "jpg", "jpeg", "webp"])
def test_each_format_is_what_it_says(format):
    with Image.open(io.BytesIO(encode_image(RGB, format))) as image:
        assert image.size == (90, 60)
        assert image.format == {"png": "PNG", "webp": "WEBP"}.get(format, "JPEG")


def test_what_a_format_cannot_hold_is_told():
    with pytest.raises(OutputError, match="webp cannot hold 20000 x 1"):
        encode_image(np.zeros((1, 20_000, 3), np.uint8), "webp")


@pytest.mark.parametrize("format", ["gif", "jgp", "", "PNG"])
def test_an_unknown_format_is_refused(format):
    with pytest.raises(OptionError, match="format"):
        encode_image(RGB, format)


@pytest.mark.parametrize("format", ["jpg", "webp"])
def test_a_higher_quality_is_nearer_and_larger(format):
    files = [encode_image(RGB, format, quality=quality) for quality in (1, 50, 100)]
    assert sorted(map(len, files)) == list(map(len, files))
    wrong = [np.abs(np.asarray(Image.open(io.BytesIO(f))).astype(int) - RGB).sum() for f in files]
    assert sorted(wrong, reverse=True) == wrong


@pytest.mark.parametrize("format", ["jpg", "webp"])
def test_without_a_quality_the_files_are_as_before(format):
    usual = {"jpg": 95, "webp": 92}[format]
    assert encode_image(RGB, format) == encode_image(RGB, format, quality=usual)


@pytest.mark.parametrize("quality", [0, 101, -1, 50.5, "90"])
def test_a_quality_out_of_range_is_refused(quality):
    with pytest.raises(OptionError, match="quality"):
        encode_image(RGB, "jpg", quality=quality)


def test_png_is_lossless_and_has_no_quality():
    assert encode_image(RGB, "png", quality=10) == encode_image(RGB, "png")
