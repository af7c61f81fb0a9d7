"""A decoded picture as a photo would be: sRGB, upright, with square pixels, on white."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.cutout.blend import WHITE, blend
from engine.video import hdr

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter

_BT601, _BT709, _UNSPECIFIED, _BT2020_CONSTANT, _BT2020 = 5, 1, 2, 10, 9
_LIMITED, _FULL = 1, 2
_EXACT = 0x4 | 0x2000 | 0x40000
"""swscale's flags: bicubic, colours of each pixel, and exact rounding."""
_SMALLEST_HD = 720
"""Lines from which on video without a word about its matrix is BT.709, as players have it."""


def to_rgb(
    picture: VideoFrame, height: int, width: int, scaler: VideoReformatter
) -> NDArray[np.uint8]:
    """uint8 (height, width, 3), of the picture as it is stored: not turned yet.

    Range and matrix are what the picture says; HDR is brought to the range of photos.
    """
    is_hdr = picture.color_trc in (hdr.PQ, hdr.HLG)
    has_alpha = any(component.is_alpha for component in picture.format.components)
    kind = "rgb48le" if is_hdr else "rgba" if has_alpha else "rgb24"
    pixels = scaler.reformat(
        picture, width, height, kind, src_colorspace=_matrix(picture),
        src_color_range=_range(picture), dst_color_range=_FULL, interpolation=_EXACT,
    ).to_ndarray()  # fmt: skip
    if is_hdr:
        return hdr.to_sdr(pixels, picture.color_trc)
    if has_alpha:
        alpha = np.asarray(pixels[..., 3] / np.float32(255), np.float32)
        return blend(np.ascontiguousarray(pixels[..., :3]), alpha, WHITE)
    return np.asarray(pixels, np.uint8)


def upright(pixels: NDArray[np.uint8], matrix: NDArray[np.int32] | None) -> NDArray[np.uint8]:
    """The pixels turned and mirrored as a display matrix, int32 (3, 3), says; None says nothing."""
    if matrix is None:
        return pixels
    (a, b), (c, d) = matrix[:2, :2].tolist()
    if is_sideways(matrix):
        pixels, a, d = pixels.swapaxes(0, 1), c, b
    return np.ascontiguousarray(pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1])


def is_sideways(matrix: NDArray[np.int32] | None) -> bool:
    """Whether height and width change places."""
    if matrix is None:
        return False
    (a, b), (c, d) = np.abs(matrix[:2, :2].astype(np.int64)).tolist()
    return bool(b + c > a + d)


def find_matrix(picture: VideoFrame) -> NDArray[np.int32] | None:
    """How a picture has to be turned, int32 (3, 3); None for not at all."""
    try:
        data = bytes(picture.side_data["DISPLAYMATRIX"])
    except (KeyError, ValueError):  # a kind of side data that PyAV has no name for is a ValueError
        return None
    return np.frombuffer(data, np.int32).reshape(3, 3) if len(data) == 36 else None


def _matrix(picture: VideoFrame) -> int:
    if picture.colorspace in (0, _UNSPECIFIED):
        return _BT601 if picture.height < _SMALLEST_HD else _BT709
    return _BT2020 if picture.colorspace == _BT2020_CONSTANT else int(picture.colorspace)


def _range(picture: VideoFrame) -> int:
    if picture.color_range in (_LIMITED, _FULL):
        return int(picture.color_range)
    is_full = picture.format.is_rgb or picture.format.name.startswith("yuvj")
    return _FULL if is_full else _LIMITED
