"""Photos in: any common file, mode, orientation and colour profile."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import struct
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
from PIL import Image

from engine.errors import PhotoError
from engine.options import MAX_MEGAPIXELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

PhotoSource: TypeAlias = (
    "str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]"
    " | Image.Image | NDArray[np.uint8]"
)

SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".dib", ".tif", ".tiff")
) | {".gif", ".avif", ".jp2", ".ppm", ".pgm"}
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "DIB", "TIFF", "GIF", "AVIF", "JPEG2000", "PPM")
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

log = logging.getLogger(__name__)


def read_photo(source: PhotoSource, max_megapixels: float = MAX_MEGAPIXELS) -> NDArray[np.uint8]:
    """The photo alone; see `read_with_exif`."""
    return read_with_exif(source, max_megapixels)[0]


def read_with_exif(
    source: PhotoSource, max_megapixels: float = MAX_MEGAPIXELS
) -> tuple[NDArray[np.uint8], bytes]:
    """The photo, uint8 (H, W, 3), sRGB, upright, transparency laid on white; and its EXIF block.

    Parameters
    ----------
    source : path, bytes, binary file object, PIL.Image, or uint8 array
        Arrays are (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA; they are copied.
    max_megapixels : float
        Larger photos are refused, by their header, before they are decoded.

    Raises
    ------
    PhotoError
        Missing, empty, truncated, not a picture, too large, or of an unfit type.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, max_megapixels), b""
    if isinstance(source, Image.Image):
        with _damage_to_error("image"):
            return _decode(source, "image", max_megapixels), _exif_of(source)
    name = _name_of(source)
    with _damage_to_error(name), _open_bytes(source, name) as file:
        image = _open_image(file, name)
        return _decode(image, name, max_megapixels), _exif_of(image)


def _from_array(array: NDArray[Any], max_megapixels: float) -> NDArray[np.uint8]:
    if array.dtype != np.uint8:
        raise PhotoError(
            f"array of {array.dtype}: wanted uint8, 0..255. Scale and convert it: "
            "np.rint(255 * array).astype(np.uint8) for 0..1."
        )
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise PhotoError(f"array of shape {array.shape}: wanted (H, W), (H, W, 3) or (H, W, 4).")
    if array.size == 0:
        raise PhotoError(f"array of shape {array.shape}: it holds no pixel.")
    if array.ndim == 3 and array.shape[2] == 3:
        _check_size((array.shape[1], array.shape[0]), max_megapixels, "array")
        return np.array(array, order="C")
    return _decode(Image.fromarray(np.ascontiguousarray(array)), "array", max_megapixels)


def _name_of(source: Any) -> str:
    """What messages call a source. Raises PhotoError for what is none."""
    if isinstance(source, (str, os.PathLike)):
        return os.fsdecode(source) or "''"
    if isinstance(source, (bytes, bytearray, memoryview)):
        return "bytes"
    if hasattr(source, "read"):
        name = getattr(source, "name", None)
        return name if isinstance(name, str) else "file object"
    raise PhotoError(
        f"{type(source).__name__}: wanted a path, bytes, a binary file, a PIL.Image "
        "or a uint8 array."
    )


@contextlib.contextmanager
def _open_bytes(source: Any, name: str) -> Iterator[IO[bytes]]:
    """A seekable binary file with something in it."""
    with contextlib.ExitStack() as stack:
        if isinstance(source, (bytes, bytearray, memoryview)):
            file: IO[bytes] = io.BytesIO(source)
        elif hasattr(source, "read"):
            file = source
        else:
            file = stack.enter_context(open(source, "rb"))
        if file is source or not file.seekable():  # a caller's file is read from where it stands
            data = file.read()
            if not isinstance(data, bytes):
                raise PhotoError(f"{name}: open it in binary mode ('rb').")
            file = io.BytesIO(data)
        if not file.read(1):
            raise PhotoError(f"{name}: empty, wanted a photo.")
        file.seek(0)
        yield file


def _open_image(file: IO[bytes], name: str) -> Image.Image:
    """The image behind the file's first bytes, not decoded yet.

    Not `Image.open`: its limit of pixels is a global setting, below ours, and warns on stderr.
    """
    prefix = file.read(16)
    for load_plugins in (Image.preinit, Image.init):  # the common ones, then all
        load_plugins()
        for known in _FORMATS:
            factory, accept = Image.OPEN.get(known, (None, None))
            with contextlib.suppress(SyntaxError, IndexError, TypeError, struct.error):
                if factory and accept and accept(prefix) is True:
                    file.seek(0)
                    return factory(file, name)
    if prefix[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc"):
        raise PhotoError(f"{name}: HEIC is not read. Convert it to JPEG, or use pillow-heif.")
    raise PhotoError(f"{name}: not a picture, or damaged. JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF.")


def _check_size(size: tuple[int, int], max_megapixels: float, name: str) -> None:
    width, height = size
    if width * height > max_megapixels * 1e6:
        raise PhotoError(
            f"{name}: {width} x {height} is {width * height / 1e6:.0f} megapixels, the limit is "
            f"{max_megapixels:g}.",
            option="max_megapixels",
            advice="{} raises it.",
        )
    if width < 1 or height < 1:
        raise PhotoError(f"{name}: {width} x {height}, it holds no pixel.")


def _decode(image: Image.Image, name: str, max_megapixels: float) -> NDArray[np.uint8]:
    """Decoded, converted to 8-bit sRGB on white, turned upright."""
    _check_size(image.size, max_megapixels, name)
    image.load()
    orientation = _orientation(image, name)
    profile = image.info.get("icc_profile")
    image = _to_srgb(_flatten(_eight_bit(image, name)), profile, name)
    if orientation in _TURNS:
        image = image.transpose(_TURNS[orientation])
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


@contextlib.contextmanager
def _damage_to_error(name: str) -> Iterator[None]:
    try:
        yield
    except PhotoError:
        raise
    except FileNotFoundError:
        raise PhotoError(f"{name}: no such file.") from None
    except IsADirectoryError:
        raise PhotoError(f"{name}: is a folder, wanted a photo.") from None
    except MemoryError:
        raise PhotoError(f"{name}: not enough memory to decode it.") from None
    except Image.DecompressionBombError as error:
        raise PhotoError(f"{name}: above PIL.Image.MAX_IMAGE_PIXELS: {error}") from error
    except Exception as error:  # Pillow's decoders raise many kinds for damaged files
        if isinstance(error, OSError) and error.errno:
            raise PhotoError(f"{name}: cannot be read: {error.strerror}.") from error
        raise PhotoError(f"{name}: damaged or truncated ({error}).") from error


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


def _eight_bit(image: Image.Image, name: str) -> Image.Image:
    """16-bit grey keeps its high byte, as Pillow keeps it of 16-bit colour."""
    if image.mode == "F":
        raise PhotoError(f"{name}: a picture of floats, wanted 8 or 16 bits. Convert it first.")
    if image.mode.startswith("I"):
        levels = np.asarray(image).astype(np.int64)
        if levels.min() < 0 or levels.max() > 65535:
            raise PhotoError(f"{name}: more than 16 bits a pixel. Convert it to 8 or 16 first.")
        transparent = image.info.get("transparency")
        if isinstance(transparent, int):
            levels[levels == transparent] = 65535
        return Image.fromarray((levels >> 8).astype(np.uint8))
    return image


def _to_srgb(image: Image.Image, profile: bytes | None, name: str) -> Image.Image:
    if not profile:
        return image
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if (source.profile.profile_description or "").startswith("sRGB"):
            return image
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        log.warning("%s: its colour profile cannot be used, taken as sRGB (%s)", name, error)
        return image
    return cast("Image.Image", converted)
