"""Files that claim more than they hold, never end, or come in countless pieces: told, and bounded.

What takes memory runs in a process of its own that may not take much, so that a regression fails
here and does not take the machine's.
"""

import io
import os
import random
import re
import socket
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from engine.errors import PhotoError
from engine.files import sources
from engine.files.limits import MAX_SIDE
from engine.files.photos import is_regular, peek_size, read_photo
from tests.samples import encoded

ROOT = Path(__file__).parents[2]
RGB = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)


def png(width, height, *chunks):
    """A PNG without pixels: its header, and more chunks."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n"
    for kind, content in ((b"IHDR", header), *chunks, (b"IDAT", zlib.compress(bytes(64)))):
        data += struct.pack(">I", len(content)) + kind + content
        data += struct.pack(">I", zlib.crc32(kind + content))
    return data


def tiff_of_one_tile(side, tile, held):
    """A grey TIFF, deflated, whose only tile claims to be larger than the picture."""
    data = zlib.compress(bytes(held))
    data += bytes(len(data) % 2)
    tags = {256: side, 257: side, 258: 8, 259: 8, 262: 1, 277: 1, 322: tile, 323: tile, 324: 8}
    tags[325] = len(data)
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return (
        b"II*\0" + struct.pack("<I", 8 + len(data)) + data
        + struct.pack("<H", len(tags)) + entries + bytes(4)
    )  # fmt: skip


BOUNDED = """
import resource, sys
from PIL import Image
from engine.files.photos import read_photo
Image.init()
in_use = 4096 * int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (in_use + int(sys.argv[2]) * 2**20,) * 2)
try:
    print(read_photo(sys.argv[1]).shape)
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def read_within(tmp_path):
    """What comes of reading a file in a process that may take so many megabytes more."""

    def read(data, megabytes):
        (tmp_path / "photo").write_bytes(data)
        done = subprocess.run(
            [sys.executable, "-c", BOUNDED, "photo", str(megabytes)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        return done.stdout.strip() or done.stderr

    return read


@pytest.mark.parametrize("size", [(1, 200_000_000), (200_000_000, 1), (MAX_SIDE + 1, 2)])
def test_a_side_of_a_million_pixels_is_refused_by_its_header(read_within, size):
    got = read_within(png(*size), 50)
    assert got.startswith("PhotoError")
    assert "65,535 pixels at most" in got


@pytest.mark.parametrize("shape", [(1, 10_000, 3), (10_000, 1, 3), (MAX_SIDE, 3, 3)])
def test_long_and_narrow_is_a_photo_from_the_file_to_the_cartoon(tiny, shape):
    photo = np.zeros(shape, np.uint8)
    photo[shape[0] // 3 :, shape[1] // 3 :] = (250, 20, 20)
    data = encoded(Image.fromarray(photo), "PNG")
    result = tiny(data)
    assert_array_equal(result.photo, photo)
    assert result.cartoon.shape == shape


def test_a_tile_that_claims_more_than_the_picture_is_refused(read_within):
    got = read_within(tiff_of_one_tile(64, 43_000, 64 * 64), 100)
    assert got.startswith("PhotoError")
    assert "a tile of 43000 x 43000 in a picture of 64 x 64" in got
    assert read_photo(tiff_of_one_tile(64, 256, 256 * 256)).shape == (64, 64, 3)


SIDEWAYS = b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"
MEGAPIXELS_16 = {
    "16-bit grey": lambda: encoded(Image.fromarray(np.zeros((4000, 4000), np.uint16)), "PNG"),
    "RGB": lambda: encoded(Image.new("RGB", (4000, 4000)), "PNG"),
    "turned": lambda: encoded(Image.new("RGB", (4000, 4000)), "JPEG", exif=SIDEWAYS),
    "RGBA": lambda: encoded(Image.new("RGBA", (4000, 4000)), "PNG"),
    "GIF": lambda: encoded(Image.new("P", (4000, 4000)), "GIF"),
}


@pytest.mark.parametrize("kind", MEGAPIXELS_16)
@pytest.mark.slow
def test_reading_takes_eight_bytes_per_pixel_at_most(read_within, kind):
    assert read_within(MEGAPIXELS_16[kind](), 16 * 8 + 16) == "(4000, 4000, 3)"


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP"])
@pytest.mark.slow
def test_too_little_memory_is_told_in_one_line(read_within, format):
    data = encoded(Image.new("RGB", (4000, 4000)), format)
    room = 170 if format == "WEBP" else 40  # else its reader says "damaged", and may be right
    assert read_within(data, room) == ("PhotoError photo: not enough memory to decode it.")


def jpeg2000(**sizes):
    """A JPEG 2000 file of 100 x 100 pixels, whose header claims more."""
    data = bytearray(encoded(Image.fromarray(RGB).resize((100, 100)), "JPEG2000", **sizes))
    for place in (data.index(b"ihdr") + 4, data.index(b"\xff\x4f\xff\x51") + 8):
        data[place : place + 8] = struct.pack(">II", 1000, 1000)
    return bytes(data)


def test_a_jpeg_2000_that_lacks_tiles_is_refused():
    with pytest.raises(PhotoError, match="1 of 100 tiles"):
        read_photo(jpeg2000())
    with pytest.raises(PhotoError, match="4 of 400 tiles"):
        read_photo(jpeg2000(tile_size=(50, 50)))


@pytest.mark.parametrize(
    "options",
    [{}, {"tile_size": (16, 16)}, {"no_jp2": True}, {"no_jp2": True, "tile_size": (32, 20)}],
)
def test_a_whole_jpeg_2000_is_read(options):
    image = Image.fromarray(RGB)
    data = encoded(image, "JPEG2000", **options)
    with Image.open(io.BytesIO(data)) as expected:
        assert_array_equal(read_photo(data), np.asarray(expected))


@pytest.mark.parametrize("options", [{}, {"quality": 100}, {"subsampling": "4:0:0"}])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_an_avif_that_claims_more_than_it_holds_is_refused(mode, options):
    data = bytearray(encoded(Image.fromarray(RGB).convert(mode), "AVIF", **options))
    assert read_photo(bytes(data)).shape == RGB.shape
    place = -1
    while (place := data.find(b"ispe", place + 1)) >= 0:
        data[place + 8 : place + 16] = struct.pack(">II", 1000, 1000)
    with pytest.raises(PhotoError, match=r"1000 x 1000 in its header, and [0-9,]+ pixels"):
        read_photo(bytes(data))


def test_an_avif_of_several_pictures_is_read():
    frames = [Image.fromarray(RGB), Image.new("RGB", (90, 60), "red")]
    data = encoded(frames[0], "AVIF", save_all=True, append_images=frames[1:])
    assert read_photo(data).shape == RGB.shape


@pytest.mark.parametrize("format", ["JPEG2000", "AVIF", "WEBP", "TIFF", "PNG", "GIF", "BMP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_half_a_file_is_no_photo(format, share):
    data = encoded(Image.fromarray(RGB), format)
    with pytest.raises(PhotoError) as caught:
        read_photo(data[: int(len(data) * share)])
    assert "\n" not in str(caught.value)


IN_PIECES = {
    "fill bytes of JPEG": b"\xff\xd8" + b"\xff" * 5000,
    "segments of JPEG": b"\xff\xd8" + b"\xff\xe5\0\2" * 5000,
    "chunks of PNG": png(9, 9, *[(b"abCd", b"")] * 5000),
    "blocks of GIF": b"GIF89a\x0a\0\x0a\0\0\0\0!\xfe" + b"\1a" * 5000,
    "blanks of PPM": b"P6" + b" " * 5000,
    "tile-parts of JPEG 2000": jpeg2000()[:-2] + b"\xff\x90\0\x0a\0\0\0\0\0\x0c\0\1" * 5000,
}


@pytest.mark.parametrize("kind", IN_PIECES)
def test_a_file_of_countless_pieces_is_given_up(kind, monkeypatch):
    monkeypatch.setattr(sources._Patience, "_left", 1000)
    with pytest.raises(PhotoError, match=r"damaged or truncated \(it comes in more than"):
        read_photo(IN_PIECES[kind])


def test_no_format_is_tried_twice(monkeypatch):
    tried = []
    factory, accept = Image.OPEN["JPEG"]

    def count(*arguments):
        tried.append(1)
        return factory(*arguments)

    monkeypatch.setitem(Image.OPEN, "JPEG", (count, accept))
    with pytest.raises(PhotoError, match="not a picture, or damaged"):
        read_photo(b"\xff\xd8\xff" + bytes(50))
    assert len(tried) == 1


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "format", ["JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF", "AVIF", "JPEG2000", "PPM"]
)
def test_pillows_own_limit_is_not_asked_for(format, monkeypatch, tmp_path):
    """It is 89 megapixels for a warning and 179 for an error; ours is 200, and the caller's."""
    data = encoded(Image.new("RGB", (1000, 800)), format)
    (tmp_path / "photo").write_bytes(data)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1 << 18)
    assert read_photo(data).shape == (800, 1000, 3)
    assert read_photo(tmp_path / "photo").shape == (800, 1000, 3)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "jpeg"])
def test_neither_is_it_for_compressed_tiffs_and_animated_gifs(compression, monkeypatch):
    image = Image.new("RGB", (1000, 800))
    tiff = encoded(image, "TIFF", compression=compression)
    frames = [image, Image.new("RGB", (1000, 800), "red")]
    gif = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], disposal=2)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1 << 18)
    assert read_photo(tiff).shape == read_photo(gif).shape == (800, 1000, 3)


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_webp_is_refused_before_its_reader_makes_room(monkeypatch, lossless, mode):
    data = encoded(Image.new(mode, (1000, 800)), "WEBP", lossless=lossless)
    monkeypatch.setattr("engine.files.formats._WebP.__init__", None)
    with pytest.raises(PhotoError, match="1000 x 800 is 1 megapixels"):
        read_photo(data, max_megapixels=0.1)


class Endless:
    """Gives a beginning, and then for ever the same."""

    def __init__(self, beginning, rest):
        self.taken, self._next, self._rest = 0, beginning, rest

    def read(self, size=-1):
        assert size >= 0, "nobody reads to the end of this"
        piece, self._next = (self._next or self._rest * size)[:size], b""
        self.taken += len(piece)
        return piece


def test_what_is_no_photo_is_not_read_on():
    source = Endless(b"", b"y\n")
    with pytest.raises(PhotoError, match="not a picture"):
        read_photo(source)
    assert source.taken < 1000


def test_what_begins_as_a_photo_is_read_to_a_limit():
    source = Endless(b"\xff\xd8\xff\xe0" + bytes(100), b"\xff")
    with pytest.raises(PhotoError, match=r"longer than 69 megabytes.*max_megapixels"):
        read_photo(source, max_megapixels=0.2)
    assert source.taken < 72e6


def test_a_file_longer_than_any_photo_is_refused(tmp_path):
    path = tmp_path / "photo.webp"
    path.write_bytes(encoded(Image.fromarray(RGB), "WEBP"))
    os.truncate(path, 70_000_000)
    with pytest.raises(PhotoError, match="longer than 69 megabytes"):
        read_photo(path, max_megapixels=0.2)


def test_devices_are_bounded_and_pipes_by_name_are_read(tmp_path):
    link = tmp_path / "x.jpg"
    link.symlink_to("/dev/zero")
    with pytest.raises(PhotoError, match="not a picture"):
        read_photo(link)
    link.unlink()
    link.symlink_to("/dev/null")
    with pytest.raises(PhotoError, match="empty"):
        read_photo(link)
    with subprocess.Popen(["yes"], stdout=subprocess.PIPE) as process:
        with pytest.raises(PhotoError, match="not a picture"):
            read_photo(f"/dev/fd/{process.stdout.fileno()}")
        process.kill()


def test_what_is_regular(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "nowhere").symlink_to("no such file")
    assert [n for n in sorted(os.listdir(tmp_path)) if is_regular(tmp_path / n)] == ["file", "link"]
    assert not is_regular(tmp_path)
    assert not is_regular("nul\0")


@pytest.mark.parametrize("reader", [read_photo, peek_size])
def test_odd_names_and_kinds_are_told_in_one_line(tmp_path, reader):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        for name, reason in {
            "nul\0.jpg": "cannot be the name of a file",
            "half\ud800.jpg": "cannot be the name of a file",
            "socket": "cannot be read|not a regular file",
            ".": "is a folder|not a regular file",
            "n" * 300: "File name too long",
            "missing.jpg": "no such file",
        }.items():
            with pytest.raises(PhotoError, match=reason) as caught:
                reader(f"{tmp_path}/{name}")
            assert "\n" not in str(caught.value)


def test_another_file_is_never_taken_for_the_source(tmp_path, monkeypatch):
    """Pillow maps uncompressed pictures from the file of that name."""
    monkeypatch.chdir(tmp_path)
    for name in ("bytes", "file object"):
        Image.new("RGB", (90, 60), "red").save(tmp_path / name, "BMP")
    grey = Image.fromarray(RGB).convert("L")
    data = encoded(grey, "BMP")
    for source in (data, io.BytesIO(data)):
        assert_array_equal(read_photo(source)[..., 0], np.asarray(grey))


@pytest.mark.parametrize("format", ["TIFF", "JPEG", "PNG", "WEBP", "GIF", "AVIF", "JPEG2000"])
def test_damage_is_told_in_one_line_or_does_no_harm(format):
    chance = random.Random(0)
    options = {"compression": "tiff_lzw"} if format == "TIFF" else {}
    whole = encoded(Image.fromarray(RGB), format, **options)
    for _ in range(40):
        data = bytearray(whole)
        for _ in range(4):
            data[chance.randrange(len(data))] = chance.randrange(256)
        message = reading(bytes(data))
        assert message == "" or re.fullmatch(r"bytes: .{20,}", message)


def reading(data):
    """What it says; nothing when a photo comes out."""
    try:
        photo = read_photo(data, max_megapixels=1)
    except PhotoError as error:
        return str(error)
    return "" if photo.dtype == np.uint8 and photo.shape[2:] == (3,) else "not a photo"
