"""Pictures out: an array to the bytes of a file."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image

from engine.errors import OutputError
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
    picture: NDArray[np.uint8] | Image.Image, format: str, exif: bytes = b"", profile: bytes = b""
) -> bytes:
    """The picture's file, as bytes; `format` is png, jpg or webp.

    With an EXIF block and a colour profile, where they are not empty.

    Raises OutputError when the format cannot hold it.
    """
    if format == "png" and isinstance(picture, np.ndarray) and max(picture.shape) < _LONG_SIDE:
        return tag_png(_encode_png(picture), exif, profile)
    image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    if format in ("jpg", "jpeg") and len(exif) > _LONGEST_JPEG_BLOCK:
        log.warning("EXIF data of %d bytes does not fit into a jpg, and is left out", len(exif))
        exif = b""
    buffer = io.BytesIO()
    try:
        writer = _WRITERS["jpg" if format == "jpeg" else format]
        image.save(buffer, **writer, exif=exif, icc_profile=profile or None)
    except (OSError, ValueError) as error:
        size = f"{image.width} x {image.height} {image.mode}"
        message = f"{format} cannot hold {size}: {error}."
        raise OutputError(message, option="format", advice="Try {} png.") from error
    return buffer.getvalue()


def _encode_png(picture: NDArray[np.uint8]) -> bytes:
    """By OpenCV, whose run-length strategy takes half of Pillow's time for files as small."""
    turned = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    if picture.ndim == 3:
        picture = np.asarray(cv2.cvtColor(picture, turned[picture.shape[2]]))
    return cv2.imencode(".png", picture)[1].tobytes()
