"""Photos as they are: every mode, orientation, source and kind of damage."""

import io
import os
import struct

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image, ImageCms, ImageFile

from engine.errors import PhotoError
from engine.files import photos
from engine.files.photos import peek_size, read_photo
from tests.samples import JPEG, RGB, encoded, png_claiming


@pytest.mark.parametrize("format", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_formats_are_read_as_they_are(format):
    assert_array_equal(read_photo(encoded(Image.fromarray(RGB), format)), RGB)


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "GIF"])
def test_lossy_formats_are_read(format):
    flat = np.full((20, 30, 3), (200, 40, 40), np.uint8)
    got = read_photo(encoded(Image.fromarray(flat), format))
    assert_allclose(got.astype(int), flat, atol=6)


def test_sources_are_interchangeable(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(RGB).save(path)
    data = path.read_bytes()
    with path.open("rb") as file, Image.open(path) as image:
        sources = [path, str(path), data, bytearray(data), memoryview(data), io.BytesIO(data), file]
        sources += [image, Image.fromarray(RGB), RGB]
        for source in sources:
            assert_array_equal(read_photo(source), RGB)


@pytest.mark.parametrize("format", ["PNG", "BMP"])
def test_a_pipe_is_read(tmp_path, format):
    import threading

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    data = encoded(Image.fromarray(RGB), format)
    writer = threading.Thread(target=pipe.write_bytes, args=(data,))
    writer.start()
    assert_array_equal(read_photo(pipe), RGB)
    writer.join()


def test_grey_arrays_become_rgb_and_rgba_arrays_lie_on_white():
    grey = RGB[..., 0]
    assert_array_equal(read_photo(grey), np.dstack([grey] * 3))
    rgba = np.dstack([RGB, np.full(RGB.shape[:2], 255, np.uint8)])
    rgba[0, 0, 3] = 0
    got = read_photo(rgba[::-1][::-1])
    assert got[0, 0].tolist() == [255, 255, 255]
    assert_array_equal(got[1:], RGB[1:])


def test_an_array_is_copied():
    source = RGB.copy()
    got = read_photo(source)
    got[:] = 0
    assert_array_equal(source, RGB)
    assert got.flags.c_contiguous


MODES = {
    "L": lambda: Image.new("L", (4, 3), 100),
    "1": lambda: Image.new("1", (4, 3), 1),
    "LA": lambda: Image.new("LA", (4, 3), (100, 0)),
    "P": lambda: Image.new("RGB", (4, 3), (10, 20, 30)).quantize(4),
    "PA": lambda: Image.new("RGBA", (4, 3), (10, 20, 30, 0)).convert("PA"),
    "RGBA": lambda: Image.new("RGBA", (4, 3), (10, 20, 30, 0)),
    "RGBa": lambda: Image.new("RGBA", (4, 3), (10, 20, 30, 255)).convert("RGBa"),
    "CMYK": lambda: Image.new("CMYK", (4, 3), (255, 0, 0, 0)),
    "YCbCr": lambda: Image.new("RGB", (4, 3), (10, 20, 30)).convert("YCbCr"),
    "HSV": lambda: Image.new("RGB", (4, 3), (10, 20, 30)).convert("HSV"),
    "I;16": lambda: Image.fromarray(np.full((3, 4), 0x64FF, np.uint16)),
    "I": lambda: Image.fromarray(np.full((3, 4), 0x6400, np.int32)),
}
EXPECTED = {
    "L": (100, 100, 100), "1": (255, 255, 255), "LA": (255, 255, 255), "P": (10, 20, 30),
    "PA": (255, 255, 255), "RGBA": (255, 255, 255), "RGBa": (10, 20, 30), "CMYK": (0, 255, 255),
    "YCbCr": (10, 20, 30), "HSV": (10, 20, 30), "I;16": (100, 100, 100), "I": (100, 100, 100),
}  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_becomes_rgb(mode):
    got = read_photo(MODES[mode]())
    assert got.shape == (3, 4, 3)
    assert got.dtype == np.uint8
    assert_allclose(got[1, 1].astype(int), EXPECTED[mode], atol=2)  # YCbCr and HSV round


@pytest.mark.parametrize(
    ("mode", "format"),
    [
        ("I;16", "PNG"),
        ("I;16", "TIFF"),
        ("CMYK", "JPEG"),
        ("CMYK", "TIFF"),
        ("1", "PNG"),
        ("LA", "PNG"),
        ("P", "GIF"),
        ("RGBA", "WEBP"),
    ],
)
def test_every_mode_is_read_from_its_files(mode, format):
    got = read_photo(encoded(MODES[mode](), format))
    assert_allclose(got[1, 1].astype(int), EXPECTED[mode], atol=3)


def test_a_palette_with_a_transparent_colour_lies_on_white():
    image = Image.new("P", (2, 1), 0)
    image.putpalette([9, 9, 9, 50, 60, 70])
    image.putpixel((1, 0), 1)
    got = read_photo(encoded(image, "PNG", transparency=0))
    assert got.tolist() == [[[255, 255, 255], [50, 60, 70]]]


def test_a_transparent_level_of_16_bits_lies_on_white():
    grey = Image.fromarray(np.array([[25700, 25701]], np.uint16))
    got = read_photo(encoded(grey, "PNG", transparency=25700))
    assert got.tolist() == [[[255] * 3, [100] * 3]]


def test_the_first_frame_of_an_animation_is_taken():
    frames = [Image.new("RGB", (5, 4), colour) for colour in ("red", "blue")]
    got = read_photo(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert got[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_every_exif_orientation_is_turned_upright(orientation, format, tmp_path):
    # Blocks of 16, for JPEG's sake: red, green, blue, white around a circle.
    upright = np.kron(
        np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]], [[0] * 3] * 2]),
        np.ones((16, 16, 1)),
    ).astype(np.uint8)
    undo = {2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud}
    undo |= {5: lambda a: np.swapaxes(a, 0, 1), 6: lambda a: np.rot90(a, 1)}
    undo |= {7: lambda a: np.rot90(np.swapaxes(a, 0, 1), 2), 8: lambda a: np.rot90(a, -1)}
    stored = Image.fromarray(np.ascontiguousarray(undo.get(orientation, np.asarray)(upright)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    exact = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}
    data = encoded(stored, format, exif=exif, **exact.get(format, {}))
    (tmp_path / "turned").write_bytes(data)
    for source in (data, io.BytesIO(data), tmp_path / "turned", Image.open(io.BytesIO(data))):
        assert peek_size(source) == (48, 32)
        assert_allclose(read_photo(source).astype(int), upright, atol=4)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "I;16", "LA", "CMYK"])
def test_strips_are_joined_seamlessly(mode, orientation, monkeypatch):
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (40, 30, 4), dtype=np.uint8))
    if mode == "I;16":
        image = Image.fromarray(np.random.default_rng(1).integers(0, 65536, (40, 30), np.uint16))
    elif mode == "P":
        image = image.convert("RGB").quantize(16)
    else:
        image = image.convert(mode)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(image, "JPEG" if mode == "CMYK" else "PNG", exif=exif)
    expected = read_photo(data)
    assert expected.shape == ((30, 40, 3) if orientation > 4 else (40, 30, 3))
    for pixels in (1, 90, 100, 1000):
        monkeypatch.setattr(photos, "_STRIP_PIXELS", pixels)
        assert_array_equal(read_photo(data), expected)


def test_a_profile_is_applied_to_every_strip(monkeypatch):
    data = encoded(Image.fromarray(RGB), "PNG", icc_profile=linear_profile())
    expected = read_photo(data)
    monkeypatch.setattr(photos, "_STRIP_PIXELS", 20)
    assert_array_equal(read_photo(data), expected)


@pytest.mark.parametrize(
    "format", ["JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF", "AVIF", "JPEG2000", "PPM"]
)
def test_the_size_is_known_without_decoding(format, tmp_path, monkeypatch):
    data = encoded(Image.fromarray(RGB), format)
    (tmp_path / "photo").write_bytes(data)

    def refuse(_):
        raise AssertionError("decoded")

    monkeypatch.setattr(Image.Image, "load", refuse)
    monkeypatch.setattr(ImageFile.ImageFile, "load", refuse)
    for source in (data, io.BytesIO(data), tmp_path / "photo", RGB, Image.fromarray(RGB)):
        assert peek_size(source) == (6, 9)


def test_peeking_leaves_a_file_where_it_stands():
    file = io.BytesIO(b"before" + encoded(Image.fromarray(RGB), "PNG"))
    file.seek(6)
    assert peek_size(file) == (6, 9)
    assert file.tell() == 6
    assert_array_equal(read_photo(file), RGB)


def test_a_pipe_cannot_be_peeked_into(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PhotoError, match="not a regular file"):
        peek_size(tmp_path / "pipe")
    reader, writer = os.pipe()
    os.close(writer)
    with open(reader, "rb") as file, pytest.raises(PhotoError, match="is a pipe"):
        peek_size(file)


def test_peeking_refuses_what_reading_refuses():
    with pytest.raises(PhotoError, match="225 megapixels"):
        peek_size(png_claiming(15_000, 15_000))
    with pytest.raises(PhotoError, match="not a picture"):
        peek_size(b"hello world, no picture")
    with pytest.raises(PhotoError, match="expected a path"):
        peek_size(42)
    with pytest.raises(PhotoError, match="float64"):
        peek_size(np.zeros((4, 4, 3)))


def test_a_damaged_exif_block_does_not_lose_the_photo():
    image = Image.fromarray(RGB)
    data = encoded(image, "PNG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12garbage")
    assert_array_equal(read_photo(data), RGB)


def linear_profile():
    """The bytes of an ICC profile with sRGB's primaries and no gamma."""

    def fixed(*values):
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    primaries = {"r": (0.4361, 0.2225, 0.0139), "g": (0.3851, 0.7169, 0.0971)}
    primaries |= {"b": (0.1431, 0.0606, 0.7141)}
    tags = {f"{name}XYZ": b"XYZ \0\0\0\0" + fixed(*xyz) for name, xyz in primaries.items()}
    tags |= {f"{name}TRC": b"curv\0\0\0\0\0\0\0\0" for name in "rgb"}
    tags["wtpt"] = b"XYZ \0\0\0\0" + fixed(0.9642, 1, 0.8249)
    table, body, offset = b"", b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        data = data.ljust(-len(data) % 4 + len(data), b"\0")
        table += name.encode() + struct.pack(">II", offset + len(body), len(data))
        body += data
    header = struct.pack(">I4xI", offset + len(body), 0x02100000) + b"mntrRGB XYZ "
    header = (header.ljust(36, b"\0") + b"acsp").ljust(68, b"\0") + fixed(0.9642, 1, 0.8249)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_an_icc_profile_is_converted_to_srgb(mode):
    linear = Image.new("RGB", (4, 4), (55, 55, 55)).convert(mode)
    got = read_photo(encoded(linear, "PNG", icc_profile=linear_profile()))
    # 55 / 255 of the light is 128 / 255 in sRGB: 255 (1.055 (55 / 255)^(1 / 2.4) - 0.055).
    assert_allclose(got[0, 0].astype(int), 128, atol=1)


def test_an_srgb_profile_changes_nothing():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert_array_equal(read_photo(encoded(Image.fromarray(RGB), "PNG", icc_profile=profile)), RGB)


def test_a_broken_profile_is_ignored_and_told(caplog):
    data = encoded(Image.fromarray(RGB), "PNG", icc_profile=b"nonsense")
    assert_array_equal(read_photo(data), RGB)
    assert "colour profile cannot be used" in caplog.text


def test_a_photo_above_the_limit_is_refused_by_its_header(recwarn):
    with pytest.raises(PhotoError, match=r"225 megapixels, the limit is 200"):
        read_photo(png_claiming(15_000, 15_000))
    with pytest.raises(PhotoError, match="max_megapixels raises it"):
        read_photo(RGB, max_megapixels=1e-5)
    assert not recwarn


def test_the_limit_can_be_raised_above_pillows_own(recwarn, monkeypatch):
    data = encoded(Image.new("1", (1400, 1300)), "PNG")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1400 * 1300 // 2 - 1)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO(data))
    with pytest.raises(PhotoError, match="the limit is 1"):
        read_photo(data, max_megapixels=1)
    assert read_photo(data).shape == (1300, 1400, 3)
    assert not recwarn


def test_pillows_own_limit_behind_ours_is_told(monkeypatch):
    # Which decoders ask for it depends on Pillow's version.
    def refuse(*_):
        raise Image.DecompressionBombError("exceeds limit of 178956970 pixels")

    monkeypatch.setitem(Image.OPEN, "PNG", (refuse, Image.OPEN["PNG"][1]))
    with pytest.raises(PhotoError, match=r"above PIL.Image.MAX_IMAGE_PIXELS: exceeds limit"):
        read_photo(encoded(Image.fromarray(RGB), "PNG"))


def test_one_by_ten_thousand_is_a_photo():
    assert read_photo(encoded(Image.new("RGB", (10_000, 1)), "PNG")).shape == (1, 10_000, 3)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (b"", "empty"),
        (b"hello world, no picture", "not a picture"),
        (JPEG[: len(JPEG) // 2], "truncated"),
        (JPEG[:20], "damaged"),
        (encoded(Image.fromarray(RGB), "PNG")[:60], "truncated"),
        (png_claiming(0, 5), "no pixel|damaged"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 40, "HEIC"),
        (io.BytesIO(b""), "empty"),
        (io.StringIO("text"), "binary mode"),
        (None, "expected a path"),
        (42, "expected a path"),
        (np.zeros((4, 4, 3)), "float64: expected uint8"),
        (np.full((4, 4, 3), np.nan, np.float32), "float32: expected uint8"),
        (np.zeros((4, 4, 2), np.uint8), "shape"),
        (np.zeros(4, np.uint8), "shape"),
        (np.zeros((0, 4, 3), np.uint8), "no pixel"),
        (Image.fromarray(np.zeros((4, 4), np.float32)), "floats"),
        (Image.fromarray(np.full((4, 4), 70_000, np.int32)), "16 bits"),
        ("no/such/file.jpg", "no such file"),
        ("n" * 300 + ".jpg", "cannot be read: File name too long"),
        ("/proc/self/mem", "cannot be read: Input/output error"),
        ("with\0nul.jpg", "embedded null byte"),
    ],
)
def test_what_is_no_photo_is_refused_in_one_line(source, reason):
    with pytest.raises(PhotoError, match=reason) as caught:
        read_photo(source)
    assert "\n" not in str(caught.value)


def test_a_folder_and_a_forbidden_file_are_told(tmp_path, monkeypatch):
    with pytest.raises(PhotoError, match="is a folder"):
        read_photo(tmp_path)

    def forbid(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", forbid)
    with pytest.raises(PhotoError, match="cannot be read: Permission denied"):
        read_photo(tmp_path / "mine.jpg")
