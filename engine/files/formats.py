"""Which format a file has, by its first bytes; opened by Pillow's readers, but not decoded.

Not by `Image.open`: its limit of pixels is a global setting, lower than ours, and it warns on
stderr. The readers that ask for that limit themselves are taught not to, each in its own class,
so that nothing changes for others who use Pillow in the same process.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import struct
from collections.abc import Callable
from typing import IO, Any

from PIL import Image, ImageFile, _imaging
from PIL.GifImagePlugin import GifImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from engine.errors import PhotoError
from engine.files.avif import check_pixels
from engine.files.jpeg2000 import check_tiles
from engine.files.limits import MOST_TILE_PIXELS, check_size

SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".dib", ".tif", ".tiff")
) | {".gif", ".avif", ".jp2", ".ppm", ".pgm"}
"""Of the photos that can always be read."""

HEIC_SUFFIXES = frozenset((".heic", ".heif", ".hif"))
"""Of those that need the extra `heif`."""

HEAD = 64
"""Bytes that tell a format."""

_PLUGINS = {
    "JPEG": "Jpeg", "PNG": "Png", "WEBP": "WebP", "BMP": "Bmp", "DIB": "Bmp", "TIFF": "Tiff",
    "GIF": "Gif", "AVIF": "Avif", "JPEG2000": "Jpeg2K", "PPM": "Ppm",
}  # fmt: skip
_HEIC_BRANDS = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
)
_TILE_WIDTH, _TILE_LENGTH = 322, 323


def photo_suffixes() -> frozenset[str]:
    """Of the photos that can be read here: with HEIC where pillow-heif is installed."""
    can_read_heic = importlib.util.find_spec("pillow_heif") is not None
    return SUFFIXES | HEIC_SUFFIXES if can_read_heic else SUFFIXES


def is_known(head: bytes) -> bool:
    """Whether a file that begins so may be a photo."""
    return _is_heic(head) or any(_accepts(format, head) for format in _PLUGINS)


def open_image(file: IO[bytes], name: str, max_megapixels: float) -> Image.Image:
    """The image in a file, within the limits, not decoded yet.

    Raises PhotoError when it is none, or too large by what its header says.
    """
    head = file.read(HEAD)
    image = _open_heic(file, name) if _is_heic(head) else None
    for format in _PLUGINS if image is None else ():
        if _accepts(format, head):
            file.seek(0)
            with contextlib.suppress(SyntaxError, IndexError, TypeError, struct.error):
                if format == "WEBP":  # whose reader makes room for two pictures at once
                    check_size(_webp_size(head), max_megapixels, name)
                # Without a name: Pillow would open that file again, and map it into memory.
                image = _READERS.get(format, Image.OPEN[format][0])(file, "")
                break
    if image is None:
        raise PhotoError(
            f"{name}: not a picture, or damaged. Expected JPEG, PNG, WebP, HEIC, AVIF, TIFF, GIF, "
            "BMP, JPEG 2000 or PPM."
        )
    check_size(image.size, max_megapixels, name)
    _check_claims(image, file, name)
    return image


def _accepts(format: str, head: bytes) -> bool:
    """Whether Pillow's reader of the format would try; it is imported when it is first asked."""
    importlib.import_module(f"PIL.{_PLUGINS[format]}ImagePlugin")
    accept = Image.OPEN[format][1] if format in Image.OPEN else None
    try:
        return accept is not None and accept(head) is True
    except (IndexError, struct.error):  # shorter than a head
        return False


def _is_heic(head: bytes) -> bool:
    """Whether a file's brands are those of HEIC, and not also AVIF's."""
    if head[4:8] != b"ftyp":
        return False
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[start : start + 4] for start in range(16, end, 4))}
    return bool(brands & _HEIC_BRANDS) and not brands & {b"avif", b"avis"}


def _open_heic(file: IO[bytes], name: str) -> Image.Image | None:
    """By pillow-heif, which turns the picture upright itself."""
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise PhotoError(
            f"{name}: is HEIC, which needs one more package: pip install 'cartoonify-engine[heif]'."
        ) from error
    file.seek(0)
    with contextlib.suppress(SyntaxError):
        image: Image.Image = HeifImageFile(file)  # type: ignore[no-untyped-call, unused-ignore]
        return image
    return None


def _check_claims(image: Image.Image, file: IO[bytes], name: str) -> None:
    """Raises PhotoError when a header claims more than its file holds."""
    if isinstance(image, TiffImageFile):
        tile = [image.tag_v2.get(tag, 1) for tag in (_TILE_WIDTH, _TILE_LENGTH)]
        if tile[0] * tile[1] > max(image.width * image.height, MOST_TILE_PIXELS):
            raise PhotoError(
                f"{name}: damaged, a tile of {tile[0]} x {tile[1]} in a picture of "
                f"{image.width} x {image.height}."
            )
    place = file.tell()
    if image.format == "JPEG2000":
        check_tiles(file, name)
    if image.format == "AVIF":
        check_pixels(file, image.size, name)
    file.seek(place)


def _webp_size(head: bytes) -> tuple[int, int]:
    """Width and height of a WebP file, by its first 30 bytes. Raises struct.error without them."""
    kind, data = struct.unpack_from("<4s4x10s", head, 12)
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[4:7], "little"), 1 + int.from_bytes(data[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(data[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", data, 6)
    return width & 0x3FFF, height & 0x3FFF


class _Tiff(TiffImageFile):
    def load_prepare(self) -> None:
        if self._im is None:  # before Pillow makes it, and asks for its limit
            self.im = _imaging.new(self.mode, self._tile_size)
        super().load_prepare()


class _Gif(GifImageFile):
    """Only the first picture of an animation is read: how it is removed later does not matter."""

    @property
    def disposal_method(self) -> int:  # type: ignore[override]
        return 0

    @disposal_method.setter
    def disposal_method(self, method: int) -> None:
        pass


class _WebP(WebPImageFile):
    def _open(self) -> None:
        assert self.fp is not None
        self.fp = _Sips(self.fp.read())
        super()._open()


class _Sips(io.BytesIO):
    """Gives few bytes at a time, as pipes do: too few for Pillow to find a size to object to."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(size if size is None else min(size, 16))


_READERS: dict[str, Callable[[Any, str], ImageFile.ImageFile]] = {
    "TIFF": _Tiff,
    "GIF": _Gif,
    "WEBP": _WebP,
}
