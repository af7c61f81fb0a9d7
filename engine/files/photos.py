"""Photos in: any common file, mode, orientation and colour profile."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from engine.errors import PhotoError
from engine.files.formats import HEIC_SUFFIXES, SUFFIXES, open_image, photo_suffixes
from engine.files.limits import check_size
from engine.files.sources import PhotoSource, is_regular, name_of, open_header, open_source
from engine.options import MAX_MEGAPIXELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "HEIC_SUFFIXES",
    "SUFFIXES",
    "PhotoSource",
    "is_regular",
    "peek_size",
    "photo_suffixes",
    "read_photo",
    "read_with_exif",
]

_EXIF_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS, _BACKWARDS = (5, 6, 7, 8), (3, 4, 6, 7)
_STRIP_PIXELS = 1 << 18

log = logging.getLogger(__name__)


def read_photo(source: PhotoSource, max_megapixels: float = MAX_MEGAPIXELS) -> NDArray[np.uint8]:
    """The photo alone; see `read_with_exif`."""
    return read_with_exif(source, max_megapixels)[0]


def read_with_exif(
    source: PhotoSource, max_megapixels: float = MAX_MEGAPIXELS
) -> tuple[NDArray[np.uint8], bytes]:
    """The photo, uint8 (H, W, 3), sRGB, upright, transparency laid on white; and its EXIF block.

    Reading takes 8 bytes per pixel at its peak, the 3 of the array among them; 10 of an AVIF, 16 of
    a WebP and 20 of a JPEG 2000 file.

    Parameters
    ----------
    source : path, bytes, binary file object, PIL.Image, or uint8 array
        Arrays are (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA; they are copied.
    max_megapixels : float
        Larger photos are refused, by their header, before they are decoded.

    Raises
    ------
    PhotoError
        Missing, empty, truncated, not a picture, too large, or of an unfit type; or there is not
        enough memory.
    """
    name = name_of(source)
    with _damage_to_error(name):
        if isinstance(source, np.ndarray):
            return _from_array(source, max_megapixels), b""
        if isinstance(source, Image.Image):
            check_size(source.size, max_megapixels, name)
            return _decode(source, name), _exif_of(source)
        with open_source(source, name, max_megapixels) as file:
            image = open_image(file, name, max_megapixels)
            return _decode(image, name), _exif_of(image)


def peek_size(source: PhotoSource, max_megapixels: float = MAX_MEGAPIXELS) -> tuple[int, int]:
    """Height and width of a photo, upright, by its header: nothing is decoded.

    A file object keeps its position. (Of a PNG that gives its orientation behind the pixels,
    it is the size before it is turned.)

    Raises PhotoError where `read_photo` would by the header, and for pipes, which can be read
    only once.
    """
    name = name_of(source)
    with _damage_to_error(name):
        if isinstance(source, np.ndarray):
            _check_array(source, max_megapixels)
            return source.shape[0], source.shape[1]
        if isinstance(source, Image.Image):
            check_size(source.size, max_megapixels, name)
            return _upright_size(source, name)
        with open_header(source, name, max_megapixels) as file:
            return _upright_size(open_image(file, name, max_megapixels), name)


def _check_array(array: NDArray[Any], max_megapixels: float) -> None:
    if array.dtype != np.uint8:
        raise PhotoError(
            f"array of {array.dtype}: expected uint8, 0..255. Scale and convert it: "
            "np.rint(255 * array).astype(np.uint8) for 0..1."
        )
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise PhotoError(f"array of shape {array.shape}: expected (H, W), (H, W, 3) or (H, W, 4).")
    if array.size == 0:
        raise PhotoError(f"array of shape {array.shape}: it holds no pixel.")
    check_size((array.shape[1], array.shape[0]), max_megapixels, "array")


def _from_array(array: NDArray[Any], max_megapixels: float) -> NDArray[np.uint8]:
    _check_array(array, max_megapixels)
    if array.ndim == 3 and array.shape[2] == 3:
        return np.array(array, order="C")
    return _decode(Image.fromarray(np.ascontiguousarray(array)), "array")


def _decode(image: Image.Image, name: str) -> NDArray[np.uint8]:
    """Decoded, converted to 8-bit sRGB on white, turned upright.

    In strips: of a whole picture each of these steps would take a copy, and most of the time.
    """
    image.load()
    orientation = _orientation(image, name)
    convert = _make_converter(image, name)
    width, height = image.size
    shape = (width, height, 3) if orientation in _SIDEWAYS else (height, width, 3)
    photo = np.empty(shape, np.uint8)
    lines = photo.swapaxes(0, 1) if orientation in _SIDEWAYS else photo
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        strip = convert(image if rows >= height else image.crop((0, top, width, bottom)))
        if orientation in _TURNS:
            strip = strip.transpose(_TURNS[orientation])
        if orientation in _BACKWARDS:
            top, bottom = height - bottom, height - top
        pixels = np.asarray(strip)
        lines[top:bottom] = pixels.swapaxes(0, 1) if orientation in _SIDEWAYS else pixels
    return photo


def _make_converter(image: Image.Image, name: str) -> Callable[[Image.Image], Image.Image]:
    """What turns strips of a decoded image to RGB."""

    def flatten(strip: Image.Image) -> Image.Image:
        return _flatten(_eight_bit(strip, name))

    mode = flatten(image.crop((0, 0, 1, 1))).mode
    to_srgb = _find_transform(image.info.get("icc_profile"), mode, name)

    def convert(strip: Image.Image) -> Image.Image:
        strip = to_srgb(flatten(strip))
        return strip if strip.mode == "RGB" else strip.convert("RGB")

    return convert


@contextlib.contextmanager
def _damage_to_error(name: str) -> Iterator[None]:
    try:
        yield
    except PhotoError:
        raise
    except FileNotFoundError:
        raise PhotoError(f"{name}: no such file.") from None
    except IsADirectoryError:
        raise PhotoError(f"{name}: is a folder, expected a photo.") from None
    except MemoryError:
        raise _no_memory(name) from None
    except Image.DecompressionBombError as error:
        raise PhotoError(f"{name}: above PIL.Image.MAX_IMAGE_PIXELS: {error}") from error
    except Exception as error:  # Pillow's decoders raise many kinds for damaged files
        if "out of memory" in str(error):
            raise _no_memory(name) from error
        if isinstance(error, OSError) and error.errno:
            raise PhotoError(f"{name}: cannot be read: {error.strerror}.") from error
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PhotoError(f"{name}: damaged or truncated ({reason}).") from error


def _no_memory(name: str) -> PhotoError:
    return PhotoError(f"{name}: not enough memory to decode it.")


def _flatten(image: Image.Image) -> Image.Image:
    """Without transparency or palette: transparent parts on white."""
    if image.mode in ("LA", "La"):
        flat = Image.new("L", image.size, 255)
        image = image.convert("LA")
        flat.paste(image.getchannel("L"), mask=image.getchannel("A"))
        return flat
    if image.mode in ("RGBA", "PA", "RGBa") or "transparency" in image.info:
        flat = Image.new("RGB", image.size, "white")
        image = image.convert("RGBA")
        flat.paste(image.convert("RGB"), mask=image.getchannel("A"))
        return flat
    return image.convert("RGB") if image.mode in ("P", "1") else image


def _exif_of(image: Image.Image) -> bytes:
    exif = image.info.get("exif", b"")
    return exif if isinstance(exif, bytes) else b""


def _orientation(image: Image.Image, name: str) -> int:
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except Exception as error:  # any garbage may stand where EXIF should
        log.warning("%s: its EXIF data is damaged, taken as upright (%s)", name, error)
        return 1


def _upright_size(image: Image.Image, name: str) -> tuple[int, int]:
    width, height = image.size
    # TIFF's reader has swapped them already; PNG's would decode in search of EXIF.
    if image.format == "TIFF" or (image.format == "PNG" and "exif" not in image.info):
        return height, width
    return (width, height) if _orientation(image, name) in _SIDEWAYS else (height, width)


def _eight_bit(image: Image.Image, name: str) -> Image.Image:
    """16-bit grey keeps its high byte, as Pillow keeps it of 16-bit colour."""
    if image.mode == "F":
        raise PhotoError(f"{name}: a picture of floats, expected 8 or 16 bits. Convert it first.")
    if not image.mode.startswith("I"):
        return image
    levels = np.asarray(image)
    if levels.min() < 0 or levels.max() > 65535:
        raise PhotoError(f"{name}: more than 16 bits per pixel. Convert it to 8 or 16 first.")
    grey = (levels >> 8).astype(np.uint8)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey[levels == transparent] = 255
    return Image.fromarray(grey)


def _find_transform(
    profile: bytes | None, mode: str, name: str
) -> Callable[[Image.Image], Image.Image]:
    """From a colour profile to sRGB; nothing happens when it is sRGB, or cannot be used."""
    if not profile:
        return lambda image: image
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if (source.profile.profile_description or "").startswith("sRGB"):
            return lambda image: image
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        log.warning("%s: its colour profile cannot be used, taken as sRGB (%s)", name, error)
        return lambda image: image
    return transform.apply
