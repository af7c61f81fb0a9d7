"""HEIC, as telephones write it: read where pillow-heif is installed, and named where it is not."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from engine.errors import PhotoError
from engine.files.photos import (
    HEIC_SUFFIXES,
    SUFFIXES,
    peek_size,
    photo_suffixes,
    read_photo,
    read_with_exif,
)
from tests.files.test_photos import linear_profile

HEAD = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)
# Blocks of 16: red, green, blue, white, black, black.
PHOTO = np.kron(
    np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]], [[0] * 3] * 2]),
    np.ones((16, 16, 1)),
).astype(np.uint8)

needs_heif = pytest.mark.skipif(".heic" not in photo_suffixes(), reason="needs pillow-heif")


def heic(picture=PHOTO, **options):
    """A HEIC file, without loss."""
    import pillow_heif

    buffer = io.BytesIO()
    mode = {3: "RGB", 4: "RGBA"}[picture.shape[2]]
    size = picture.shape[1], picture.shape[0]
    pillow_heif.encode(mode, size, picture.tobytes(), buffer, quality=-1, chroma=444, **options)
    return buffer.getvalue()


@needs_heif
def test_a_heic_is_read_from_bytes_and_from_a_file(tmp_path):
    (tmp_path / "photo.heic").write_bytes(heic())
    for source in (heic(), tmp_path / "photo.heic", io.BytesIO(heic())):
        assert_allclose(read_photo(source).astype(int), PHOTO, atol=1)
        assert peek_size(heic()) == (48, 32)


@needs_heif
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_heic_is_turned_upright_once(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(PHOTO).save(buffer, "PNG", exif=exif)
    expected = read_photo(buffer.getvalue())
    got = read_photo(heic(exif=exif.tobytes()))
    assert_allclose(got.astype(int), expected, atol=1)
    assert peek_size(heic(exif=exif.tobytes())) == expected.shape[:2]


@needs_heif
def test_the_profile_of_a_heic_is_converted_and_its_exif_handed_on():
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    grey = np.full((16, 16, 3), 55, np.uint8)
    options = {"icc_profile": linear_profile(), "icc_profile_type": "prof"}
    got, block = read_with_exif(heic(grey, exif=exif.tobytes(), **options))
    assert_allclose(got.astype(int), 128, atol=1)
    read = Image.Exif()
    read.load(block)
    assert read[0x010F] == "Camera"


@needs_heif
def test_a_transparent_heic_lies_on_white():
    clear = np.dstack([PHOTO, np.zeros(PHOTO.shape[:2], np.uint8)])
    assert_array_equal(read_photo(heic(clear)), np.full_like(PHOTO, 255))


@needs_heif
def test_the_general_brand_of_heif_is_read_too():
    assert read_photo(heic().replace(b"ftypheic", b"ftypmif1")).shape == PHOTO.shape


@needs_heif
def test_a_heic_above_the_limit_is_refused_by_its_header():
    with pytest.raises(PhotoError, match="max_megapixels raises it"):
        read_photo(heic(), max_megapixels=1e-3)


@needs_heif
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9])
def test_half_a_heic_is_no_photo(share):
    with pytest.raises(PhotoError, match="damaged") as caught:
        read_photo(heic()[: int(len(heic()) * share)])
    assert "\n" not in str(caught.value)


@needs_heif
def test_a_heic_that_claims_more_than_it_holds_is_refused():
    data = bytearray(heic())
    place = data.index(b"ispe") + 8
    data[place : place + 8] = (1000).to_bytes(4, "big") * 2
    with pytest.raises(PhotoError, match="damaged or truncated"):
        read_photo(bytes(data))


@needs_heif
def test_reading_a_heic_registers_nothing_with_pillow():
    """Others in the process may have their own reader."""
    program = (
        "import sys; from PIL import Image; from engine.files.photos import read_photo;"
        "assert 'pillow_heif' not in sys.modules; read_photo(sys.stdin.buffer.read());"
        "Image.init(); assert 'HEIF' not in Image.OPEN"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", program], input=heic(), cwd=root, check=True)


def test_without_the_package_the_error_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PhotoError, match=r"pip install 'cartoonify-engine\[heif\]'"):
        read_photo(HEAD)
    with pytest.raises(PhotoError, match="HEIC"):
        peek_size(HEAD)
    assert photo_suffixes() == SUFFIXES


def test_suffixes_of_heic_are_photos_only_where_it_can_be_read(monkeypatch):
    assert not SUFFIXES & HEIC_SUFFIXES
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    assert photo_suffixes() == SUFFIXES | HEIC_SUFFIXES
