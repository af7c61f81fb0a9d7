"""What of a photo's metadata gets into its pictures."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from engine.errors import OptionError
from engine.files.metadata import filter_exif, srgb_profile

MAKE, ORIENTATION, DATE, MAKER_NOTE, EXIF, GPS = 0x010F, 0x0112, 0x9003, 0x927C, 0x8769, 0x8825


def photo_with_exif(pixels, orientation=6):
    exif = Image.Exif()
    exif[MAKE], exif[ORIENTATION] = "Camera", orientation
    exif[GPS] = {1: "N", 2: (48.0, 51.0, 30.0)}
    inner = exif.get_ifd(EXIF)
    inner[DATE], inner[MAKER_NOTE] = "2020:01:01 00:00:00", b"48.51 N"
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", exif=exif.tobytes(), quality=95)
    return buffer.getvalue()


@pytest.fixture
def result(tiny, person_photo):
    return tiny(photo_with_exif(person_photo))


@pytest.mark.parametrize("format", ["png", "jpg", "webp"])
@pytest.mark.parametrize("kind", ["cutout", "cartoon", "compare"])
def test_the_default_keeps_exif_but_not_the_place(result, format, kind):
    data = result.encode(kind, format)
    with Image.open(io.BytesIO(data)) as image:
        exif = image.getexif()
        assert exif[MAKE] == "Camera"
        assert ORIENTATION not in exif
        assert dict(exif.get_ifd(EXIF)) == {DATE: "2020:01:01 00:00:00"}
        assert not exif.get_ifd(GPS)
        assert b"48.51 N" not in data
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        assert "sRGB" in ImageCms.getProfileDescription(profile)
        assert image.size[0] < image.size[1] * (3 if kind == "compare" else 1)  # turned upright


def test_keep_keeps_the_place_and_strip_nothing(result):
    with Image.open(io.BytesIO(result.encode("cutout", "png", "keep"))) as image:
        exif = image.getexif()
        assert exif.get_ifd(GPS)[2] == (48.0, 51.0, 30.0)
        assert exif.get_ifd(EXIF)[MAKER_NOTE] == b"48.51 N"
        assert ORIENTATION not in exif
    with Image.open(io.BytesIO(result.encode("cutout", "png", "strip"))) as image:
        assert not image.info


@pytest.mark.parametrize("kind", ["mask", "labels"])
def test_mask_and_labels_carry_nothing(result, kind):
    with Image.open(io.BytesIO(result.encode(kind, "png", "keep"))) as image:
        assert not image.info.get("exif")
        assert not image.info.get("icc_profile")


def test_the_pixels_do_not_depend_on_it(result):
    with Image.open(io.BytesIO(result.encode("cartoon", "png", "keep"))) as image:
        np.testing.assert_array_equal(np.asarray(image), result.cartoon)


@pytest.mark.parametrize(
    "block", [b"Exif\0\0garbage", b"\xff" * 50, b"Exif\0\0II*\0\xff\xff\xff\xff"]
)
def test_a_damaged_block_is_left_out(block):
    assert filter_exif(block, "copy-safe") == b""


def test_the_profile_is_always_the_same():
    first = srgb_profile()
    srgb_profile.cache_clear()
    assert srgb_profile() == first


def test_an_unknown_policy_is_refused(result, tmp_path):
    with pytest.raises(OptionError, match="Did you mean strip"):
        result.save(tmp_path, metadata="stripp")


def test_a_notebook_shows_photo_cutout_cartoon_and_palette(result):
    result.name = "<me>"
    page = result._repr_html_()
    assert page.count("data:image/webp;base64,") == 3
    for word in ("photo of &lt;me&gt;", "cartoon of &lt;me&gt;", "hue", "saturation", "value"):
        assert word in page
    assert page.count("display:inline-block") == sum(map(len, result.palette.values()))


def test_without_a_screen_show_says_what_to_do(result, monkeypatch):
    from engine.errors import OutputError

    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(OutputError, match="save"):
        result.show()


def test_the_place_may_also_stand_in_xmp_and_iptc():
    exif = Image.Exif()
    exif[MAKE] = "Camera"
    for tag in (0x02BC, 0x83BB, 0x8649):
        exif[tag] = b"<x>Paris</x>"
    assert b"Paris" in exif.tobytes()
    assert b"Paris" not in filter_exif(exif.tobytes(), "copy-safe")
    assert b"Camera" in filter_exif(exif.tobytes(), "copy-safe")


def test_exif_that_does_not_fit_into_a_jpg_is_left_out(tiny, person_photo, caplog):
    exif = Image.Exif()
    exif[MAKE] = "x" * 70_000
    result = tiny(person_photo)
    result.exif = exif.tobytes()
    with Image.open(io.BytesIO(result.encode("cartoon", "jpg"))) as image:
        assert not image.getexif()
    assert "left out" in caplog.text
