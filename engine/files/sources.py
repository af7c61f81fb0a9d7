"""A photo's bytes, wherever they come from: named, seekable, and bounded."""

from __future__ import annotations

import contextlib
import io
import os
import stat
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import numpy as np
from PIL import Image

from engine.errors import PhotoError
from engine.files.formats import HEAD, is_known
from engine.files.limits import MOST_READS, most_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

PhotoSource: TypeAlias = (
    "str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]"
    " | Image.Image | NDArray[np.uint8]"
)

_PIECE = 1 << 20


def is_regular(path: str | os.PathLike[str]) -> bool:
    """Whether a path leads to an ordinary file: not a folder, a pipe, a socket or a device.

    A pipe is read when it is named, because then somebody writes to it; found in a folder, it might
    keep its reader waiting forever.
    """
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def name_of(source: Any) -> str:
    """What messages call a source. Raises PhotoError for what is none."""
    if isinstance(source, np.ndarray):
        return "array"
    if isinstance(source, Image.Image):
        return "image"
    if isinstance(source, (str, os.PathLike)):
        return os.fsdecode(source) or "''"
    if isinstance(source, (bytes, bytearray, memoryview)):
        return "bytes"
    if hasattr(source, "read"):
        name = getattr(source, "name", None)
        return name if isinstance(name, str) else "file object"
    raise PhotoError(
        f"{type(source).__name__}: expected a path, bytes, a binary file, a PIL.Image "
        "or a uint8 array."
    )


@contextlib.contextmanager
def open_source(source: Any, name: str, max_megapixels: float) -> Iterator[IO[bytes]]:
    """A seekable binary file with something in it.

    A caller's file is read from where it stands. Raises PhotoError when it is empty or longer
    than any photo may be.
    """
    most = most_bytes(max_megapixels)
    with contextlib.ExitStack() as stack:
        if isinstance(source, (bytes, bytearray, memoryview)):
            file: IO[bytes] = _Bytes(source)
        elif hasattr(source, "read"):
            file = _drain(source, name, most)
        else:
            file = stack.enter_context(_open_path(source, name))
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                file = _drain(file, name, most)
            elif status.st_size > most:
                raise _too_long(name, most)
        if not file.read(1):
            raise PhotoError(f"{name}: empty, expected a photo.")
        file.seek(0)
        yield file


@contextlib.contextmanager
def open_header(source: Any, name: str, max_megapixels: float) -> Iterator[IO[bytes]]:
    """As `open_source`, of what can be looked at without being used up. Raises PhotoError."""
    if hasattr(source, "read"):
        if not source.seekable():
            raise PhotoError(f"{name}: is a pipe, whose size is not known before it is read.")
        place = source.tell()
        try:
            with open_source(source, name, max_megapixels) as file:
                yield file
        finally:
            source.seek(place)
        return
    if isinstance(source, (str, os.PathLike)) and os.path.exists(source) and not is_regular(source):
        raise PhotoError(f"{name}: is not a regular file, and its size is not known unread.")
    with open_source(source, name, max_megapixels) as file:
        yield file


def _open_path(path: str | os.PathLike[str], name: str) -> _File:
    try:
        return _File(open(path, "rb", 0))
    except ValueError as error:  # a NUL, or a half of a surrogate pair
        raise PhotoError(f"{name!r}: cannot be the name of a file: {error}.") from error


def _drain(source: IO[bytes], name: str, most: int) -> IO[bytes]:
    """All of a pipe or of a caller's file, in memory; only the first bytes if it is not a photo."""
    file = _Bytes()
    while piece := source.read(HEAD if file.tell() < HEAD else _PIECE):
        if not isinstance(piece, bytes):
            raise PhotoError(f"{name}: open it in binary mode ('rb').")
        file.write(piece)
        if file.tell() > most:
            raise _too_long(name, most)
        if HEAD <= file.tell() < 2 * HEAD and not is_known(file.getvalue()):
            break  # the formats' reader says so; the rest might be endless
    file.seek(0)
    return file


def _too_long(name: str, most: int) -> PhotoError:
    return PhotoError(
        f"{name}: longer than {most / 1e6:.0f} megabytes, which is more than a photo of the "
        "largest size allowed can take.",
        option="max_megapixels",
        advice="{} raises it.",
    )


class TooManyPieces(Exception):
    """A file has countless tiny segments, which only cost time."""


class _Patience:
    """Counts the reads."""

    _left = MOST_READS

    def read(self, size: int | None = -1, /) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise TooManyPieces(f"it comes in more than {MOST_READS:,} pieces")
        data: bytes = super().read(size)  # type: ignore[misc]
        return data


class _Bytes(_Patience, io.BytesIO):  # type: ignore[misc]
    pass


class _File(_Patience, io.BufferedReader):  # type: ignore[misc]
    pass
