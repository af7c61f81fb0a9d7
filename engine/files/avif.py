"""AVIF: whether a file holds as many pixels as its header claims.

libavif scales what it has decoded up to the size in the container, so that 8 kB of 100 x 100
pixels may claim to be 100 megapixels. The boxes are those of ISO/IEC 14496-12, the coded size
stands in AV1's sequence header (AV1 Bitstream & Decoding Process Specification, 5.5).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import IO

from engine.errors import PhotoError

_META_HEAD = 4
_DELIMITER, _SEQUENCE_HEADER = b"\x12", b"\x0a"  # OBU headers with a size behind them
_MOST_ILOC = 1 << 16  # bytes; a grid of a thousand pictures takes 16,000
_BEGINNING = 80  # bytes of an item: more than a sequence header of 32 operating points has


def check_pixels(file: IO[bytes], size: tuple[int, int], name: str) -> None:
    """Raises PhotoError when a (width, height) has more pixels than all coded pictures together.

    Together, because a large picture may be a grid of smaller ones. Where a coded size cannot be
    found (of a film, or behind timing information) nothing is said to be wrong.
    """
    try:
        coded = sum(map(_read_coded_pixels, _read_items(file)))
    except (LookupError, struct.error, OverflowError):
        return
    if 0 < coded < size[0] * size[1]:
        raise PhotoError(
            f"{name}: damaged, {size[0]} x {size[1]} in its header, and {coded:,} pixels behind it."
        )


def _read_items(file: IO[bytes]) -> Iterator[bytes]:
    """The beginnings of the file's items."""
    for place in _find_items(file):
        file.seek(place)
        yield file.read(_BEGINNING)


def _find_items(file: IO[bytes]) -> Iterator[int]:
    """Where the items of the file begin, by its `iloc` box."""
    file.seek(0)
    _enter(file, b"meta")
    file.seek(_META_HEAD, os.SEEK_CUR)
    content = _Numbers(file.read(min(_enter(file, b"iloc"), _MOST_ILOC)))
    version = content.take(4) >> 24
    sizes = content.take(2)
    offset, length, base, index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    for _ in range(content.take(2 if version < 2 else 4)):
        content.take(2 if version < 2 else 4)
        is_in_file = version == 0 or content.take(2) & 15 == 0
        content.take(2)
        start = content.take(base)
        extents = content.take(2)
        content.take(index if version else 0)
        place = start + content.take(offset)
        content.take(length)
        content.take((extents - 1) * (offset + length + (index if version else 0)))
        if is_in_file and extents:
            yield place


def _enter(file: IO[bytes], wanted: bytes) -> int:
    """Goes to the content of the next box of a kind, and says how long it is."""
    while True:
        length, kind = struct.unpack(">I4s", file.read(8))
        header = 8
        if length == 1:
            length, header = struct.unpack(">Q", file.read(8))[0], 16
        if length < header:  # 0 is the last box's, to the end of the file
            raise LookupError("no such box")
        if kind == wanted:
            return int(length) - header
        file.seek(length - header, os.SEEK_CUR)


def _read_coded_pixels(item: bytes) -> int:
    """By the sequence header; 0 for items that are not AV1 pictures. Raises LookupError when the
    header is not where it should be."""
    if item[:1] not in (_DELIMITER, _SEQUENCE_HEADER):
        return 0
    item = item.removeprefix(_DELIMITER + b"\0")
    if item[:1] != _SEQUENCE_HEADER:
        raise LookupError("no sequence header")
    bits = _Numbers(item[2:])
    bits.bits(4)  # profile and still_picture
    if bits.bits(1):  # reduced_still_picture_header
        bits.bits(5)
    elif bits.bits(1):  # timing_info_present
        raise LookupError("a film")
    else:
        has_delays = bits.bits(1)
        for _ in range(bits.bits(5) + 1):  # operating points
            bits.bits(12)
            bits.bits(1 if bits.bits(5) > 7 else 0)
            bits.bits(4 if has_delays and bits.bits(1) else 0)
    across, down = bits.bits(4) + 1, bits.bits(4) + 1
    return (bits.bits(across) + 1) * (bits.bits(down) + 1)


class _Numbers:
    """Big-endian numbers of any length, one behind the other."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, size: int) -> int:
        return self.bits(8 * size)

    def bits(self, count: int) -> int:
        if not 0 <= count <= self._left:
            raise LookupError("no more numbers")
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)
