"""Pictures to one segment of a video: a file of its own, which begins with a whole picture.

Segments are kept in Matroska, which holds every codec and its alpha channel. It knows time only by
milliseconds; exact times are kept beside it, and given back when the segments are joined.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.files.pictures import encode_image
from engine.files.writing import write_file
from engine.video.forms import Form, encoder_options
from engine.video.library import av, failure_to_error

_BT709, _LIMITED, _FULL = 1, 1, 2
_YUV = "yuv"


class Encoder:
    """Writes a segment; close it, or use it in a `with` statement, to make it whole."""

    def __init__(
        self, path: Path, form: Form, rate: Fraction, quality: int | None, threads: int
    ) -> None:
        """`rate` is about how many frames per second there will be."""
        self._path, self._form, self._rate = path, form, rate
        self._quality, self._threads = quality, threads
        self._container: Any = None
        self._stream: Any = None

    def add(self, picture: NDArray[np.uint8], seconds: Fraction) -> None:
        """One picture, uint8 (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA; all are alike.

        `seconds` is its time in the video. Raises OutputError, DiskFullError.
        """
        if picture.ndim == 2:
            picture = np.dstack([picture] * 3)
        if self._stream is None:
            self._open(picture)
        stream = self._stream
        if stream.width != picture.shape[1] or stream.height != picture.shape[0]:
            picture = _fill(picture, stream.height, stream.width)
        frame = av.VideoFrame.from_ndarray(picture, "rgba" if picture.shape[2] == 4 else "rgb24")
        is_yuv = stream.pix_fmt.startswith(_YUV)
        frame = frame.reformat(
            format=stream.pix_fmt, src_color_range=_FULL,
            dst_color_range=_LIMITED if is_yuv else _FULL,
            dst_colorspace=_BT709 if is_yuv else None,
        )  # fmt: skip
        frame.time_base = stream.codec_context.time_base
        frame.pts = round(seconds / frame.time_base)
        with failure_to_error(str(self._path)):
            self._container.mux(stream.encode(frame))

    def close(self) -> None:
        """Writes what is still to be written. Raises OutputError, DiskFullError."""
        if self._container is not None:
            with failure_to_error(str(self._path)):
                self._container.mux(self._stream.encode(None))
                self._container.close()

    def __enter__(self) -> Encoder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self, picture: NDArray[np.uint8]) -> None:
        has_alpha = picture.shape[2] == 4
        codec, pixels = self._form.codec_of(has_alpha)
        with failure_to_error(str(self._path)):
            self._container = av.open(str(self._path), "w", format="matroska")
            stream = self._container.add_stream(
                codec, self._rate, options=encoder_options(codec, self._quality, has_alpha)
            )
        stream.height, stream.width = _fit(picture, pixels, codec)
        stream.pix_fmt = pixels
        context = stream.codec_context
        context.time_base = Fraction(1, 90_000)
        context.thread_count = self._threads
        if pixels.startswith(_YUV):
            context.color_range, context.colorspace = _LIMITED, _BT709
            context.color_primaries, context.color_trc = _BT709, _BT709
        self._stream = stream


class PictureEncoder:
    """The same of a sequence of pictures: a folder with a file for each."""

    def __init__(self, path: Path, form: Form, quality: int | None) -> None:
        self._path, self._form, self._quality, self._count = path, form, quality, 0

    def add(self, picture: NDArray[np.uint8], seconds: Fraction) -> None:
        """See `Encoder.add`."""
        data = encode_image(picture, self._form.name, quality=self._quality)
        write_file(data, self._path / f"{self._count:06d}", overwrite=True)
        self._count += 1

    def close(self) -> None:
        """There is nothing left to be written."""


def _fit(picture: NDArray[np.uint8], pixels: str, codec: str) -> tuple[int, int]:
    """Height and width of the video: H.264 stores colours for two pixels by two."""
    height, width = picture.shape[:2]
    return (height + height % 2, width + width % 2) if codec == "libx264" else (height, width)


def _fill(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """The last row and column once more."""
    missing = height - picture.shape[0], width - picture.shape[1]
    return np.pad(picture, ((0, missing[0]), (0, missing[1]), (0, 0)), "edge")
