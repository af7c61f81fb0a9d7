"""Pictures out: an array to the bytes of a file."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image

from engine.errors import OptionError, OutputError, did_you_mean
from engine.files.metadata import tag_png

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WRITERS: dict[str, dict[str, Any]] = {
    "png": {"format": "PNG", "compress_level": 1},
    "jpg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    "webp": {"format": "WEBP", "quality": 92, "method": 2},
}
_LONGEST_JPEG_BLOCK = 65_533
_LONG_SIDE = 1_000_000  # libpng's limit; Pillow knows none

log = logging.getLogger(__name__)


def encode_image(
    picture: NDArray[np.uint8] | Image.Image,
    format: str,
    exif: bytes = b"",
    profile: bytes = b"",
    quality: int | None = None,
) -> bytes:
    """The picture's file, as bytes.

    Parameters
    ----------
    picture : uint8 array (H, W), (H, W, 3) RGB or (H, W, 4) RGBA; or PIL.Image
    format : str
        png, jpg (or jpeg) or webp.
    exif, profile : bytes
        An EXIF block and a colour profile; either may be empty.
    quality : int or None
        Of jpg and webp, 1..100. None: 95 for jpg, 92 for webp. A png has none.

    Raises
    ------
    OptionError
        An unknown format, or a quality out of its range.
    OutputError
        The format cannot hold the picture: WebP ends at 16,383 pixels per side, JPEG at 65,535.
    """
    writer = _find_writer(format, quality)
    if format == "png" and isinstance(picture, np.ndarray) and max(picture.shape) < _LONG_SIDE:
        return tag_png(_encode_png(picture), exif, profile)
    image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    if format in ("jpg", "jpeg") and len(exif) > _LONGEST_JPEG_BLOCK:
        log.warning("EXIF data of %d bytes does not fit into a jpg, and is left out", len(exif))
        exif = b""
    buffer = io.BytesIO()
    try:
        image.save(buffer, **writer, exif=exif, icc_profile=profile or None)
    except (OSError, ValueError) as error:
        size = f"{image.width} x {image.height} {image.mode}"
        message = f"{format} cannot hold {size}: {error}."
        raise OutputError(message, option="format", advice="Try {} png.") from error
    return buffer.getvalue()


def reduce_picture(
    picture: NDArray[np.uint8], size: int, is_label_map: bool = False
) -> NDArray[np.uint8]:
    """The picture with `size` pixels on the longer side; a smaller one as it is.

    `picture` is uint8 (H, W), (H, W, 3) RGB or (H, W, 4) RGBA. Antialiased, and transparent pixels
    lend no colour to their neighbours; of a label map the nearest pixels are taken.
    """
    height, width = picture.shape[:2]
    scale = size / max(height, width)
    if scale >= 1:
        return picture
    # Hamming has no negative weights: lines of ink get no bright seams.
    method = Image.Resampling.NEAREST if is_label_map else Image.Resampling.HAMMING
    reduced = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(picture).resize(reduced, method))


def _find_writer(format: str, quality: int | None) -> dict[str, Any]:
    """Pillow's name of the format, and its options."""
    writer = _WRITERS.get("jpg" if format == "jpeg" else format)
    if writer is None:
        raise OptionError(f"format {format!r}: {did_you_mean(format, tuple(_WRITERS))}")
    if quality is None:
        return writer
    if quality not in range(1, 101):
        raise OptionError(f"quality is {quality!r}; expected a whole number, 1..100.")
    return writer | {"quality": int(quality)} if "quality" in writer else writer


def _encode_png(picture: NDArray[np.uint8]) -> bytes:
    """By OpenCV, whose run-length strategy takes half of Pillow's time for files as small."""
    turned = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    if picture.ndim == 3:
        picture = np.asarray(cv2.cvtColor(picture, turned[picture.shape[2]]))
    return cv2.imencode(".png", picture)[1].tobytes()
