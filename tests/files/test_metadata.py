"""What of a photo's metadata gets into its pictures."""

import io
import random
import struct
from dataclasses import replace

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
    page = replace(result, name="<me>")._repr_html_()
    assert page.count("data:image/webp;base64,") == 3
    for word in ("photo of &lt;me&gt;", "cartoon of &lt;me&gt;", "lightness", "chroma", "hue"):
        assert word in page


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


SECRET = b"48 51 30 N SECRET"
POINTERS = (EXIF, GPS, 0xA005, 0x014A, 0x0190, 0xC6F5, 0x9999)
LONG, IFD, ASCII, UNDEFINED = 4, 13, 2, 7


def write_ifds(tree, place=8):
    """The bytes of a directory at an offset: {tag: (type, bytes) or (type, another such dict)}."""
    body, entries = b"", b""
    behind = place + 2 + 12 * len(tree) + 4
    for tag, (kind, value) in sorted(tree.items()):
        if isinstance(value, dict):
            below = write_ifds(value, behind + len(body))
            entries += struct.pack(">HHII", tag, kind, 1, behind + len(body))
            body += below
        else:
            entries += struct.pack(">HHII", tag, kind, len(value), behind + len(body))
            body += value
        body += bytes(len(body) % 2)
    return struct.pack(">H", len(tree)) + entries + bytes(4) + body


def read_tags(data, place, seen):
    """All tags of all directories that anything in the file points to."""
    if place in seen or not 8 <= place <= len(data) - 2:
        return set()
    seen.add(place)
    tags = set()
    for number in range(struct.unpack_from(">H", data, place)[0]):
        tag, kind, count, value = struct.unpack_from(">HHII", data, place + 2 + 12 * number)
        tags.add(tag)
        if kind == IFD or tag in POINTERS:
            tags |= read_tags(data, value, seen)
        if kind == LONG and count > 1 and tag in POINTERS:
            tags |= {t for at in struct.unpack_from(f">{count}I", data, value)
                     for t in read_tags(data, at, seen)}  # fmt: skip
    return tags


def random_tree(chance, depth=0):
    tree = {MAKE: (ASCII, b"Camera\0"), DATE: (ASCII, b"2020:01:01 00:00:00\0")}
    for _ in range(chance.randrange(4)):
        tree[chance.randrange(0x20)] = (chance.choice([ASCII, UNDEFINED]), SECRET)
    for tag in chance.sample([MAKER_NOTE, 0x02BC, 0x83BB, 0x8649, 0x87B1, 0xC634, 0xBEEF], 2):
        tree[tag] = (chance.choice([ASCII, UNDEFINED]), SECRET)
    if depth < 3:
        for tag in chance.sample(POINTERS, 3):
            tree[tag] = (chance.choice([LONG, IFD]), random_tree(chance, depth + 1))
    return tree


@pytest.mark.parametrize("seed", range(40))
def test_the_place_is_left_out_wherever_it_stands(seed):
    block = b"Exif\0\0MM\0*\0\0\0\x08" + write_ifds(random_tree(random.Random(seed)))
    assert SECRET in block
    got = filter_exif(block, "copy-safe")
    tags = read_tags(got[6:], 8, set())
    assert MAKE in tags
    assert GPS not in tags
    assert min(tags) > 0x1F
    assert SECRET not in got


@pytest.mark.parametrize("below", [EXIF, 0x014A])
def test_interoperability_and_other_directories_hide_no_place(below):
    place = {GPS: (LONG, {1: (ASCII, b"N\0"), 2: (ASCII, SECRET)})}
    tree = {
        MAKE: (ASCII, b"Camera\0"),
        below: (LONG, {0xA005: (LONG, place | {2: (ASCII, SECRET)})}),
    }
    got = filter_exif(b"Exif\0\0MM\0*\0\0\0\x08" + write_ifds(tree), "copy-safe")
    assert SECRET not in got
    assert read_tags(got[6:], 8, set()) <= {MAKE, EXIF}


def test_of_nothing_but_the_place_nothing_is_left():
    tree = {GPS: (LONG, {2: (ASCII, SECRET)}), EXIF: (LONG, {MAKER_NOTE: (UNDEFINED, SECRET)})}
    assert filter_exif(b"Exif\0\0MM\0*\0\0\0\x08" + write_ifds(tree), "copy-safe") == b""


def test_what_does_not_tell_the_place_is_kept():
    exif = Image.Exif()
    kept = {MAKE: "Camera", 0x0110: "Model", 0x0131: "Software", 0x013B: "Somebody", 0x8298: "(c)"}
    exif.update(kept)
    inner = {DATE: "2020:01:01 00:00:00", 0x829A: 0.01, 0x8827: 100, 0xA434: "Lens"}
    exif.get_ifd(EXIF).update(inner)
    got = Image.Exif()
    got.load(filter_exif(exif.tobytes(), "copy-safe"))
    assert {tag: got[tag] for tag in kept} == kept
    assert dict(got.get_ifd(EXIF)) == inner


def test_exif_that_does_not_fit_into_a_jpg_is_left_out(tiny, person_photo, caplog):
    exif = Image.Exif()
    exif[MAKE] = "x" * 70_000
    result = replace(tiny(person_photo), exif=exif.tobytes())
    with Image.open(io.BytesIO(result.encode("cartoon", "jpg"))) as image:
        assert not image.getexif()
    assert "left out" in caplog.text


@pytest.mark.parametrize("policy", ["copy-safe", "keep"])
def test_the_photos_size_is_not_that_of_the_pictures(policy):
    exif = Image.Exif()
    exif.update({MAKE: "Camera", 0x0100: 4000, 0x0101: 3000})
    exif.get_ifd(EXIF).update({DATE: "2020:01:01 00:00:00", 0xA002: 4000, 0xA003: 3000})
    got = Image.Exif()
    got.load(filter_exif(exif.tobytes(), policy))
    assert set(got) - {GPS} == {MAKE, EXIF}
    assert set(got.get_ifd(EXIF)) == {DATE}
