"""JPEG 2000: whether a file holds all the tiles that its header claims.

OpenJPEG leaves missing tiles black and reports nothing. The structure is that of ISO/IEC 15444-1,
annexes A (codestream) and I (boxes).
"""

from __future__ import annotations

import math
import os
import struct
from typing import IO

from engine.errors import PhotoError

_SIZ, _SOT, _EOC = b"\xff\x51", b"\xff\x90", b"\xff\xd9"
_START = b"\xff\x4f"
_SOT_LENGTH = 12  # with its marker


def check_tiles(file: IO[bytes], name: str) -> None:
    """Raises PhotoError when a tile is missing."""
    _seek_codestream(file)
    if file.read(2) != _START or file.read(2) != _SIZ:
        raise PhotoError(f"{name}: damaged, no codestream.")
    claimed = _count_tiles(_read_segment(file))
    found = _find_tiles(file, claimed)
    if found < claimed:
        raise PhotoError(f"{name}: damaged or truncated, {found} of {claimed} tiles are there.")


def _seek_codestream(file: IO[bytes]) -> None:
    """To its first marker: a bare one begins the file, others are in a box."""
    file.seek(0)
    is_bare = file.read(2) == _START
    file.seek(0)
    while not is_bare:
        length, kind = struct.unpack(">I4s", file.read(8))
        header = 8
        if length == 1:
            length, header = struct.unpack(">Q", file.read(8))[0], 16
        if kind == b"jp2c":
            return
        file.seek(max(length, header) - header, os.SEEK_CUR)


def _read_segment(file: IO[bytes]) -> bytes:
    return file.read(max(0, struct.unpack(">H", file.read(2))[0] - 2))


def _count_tiles(siz: bytes) -> int:
    """Of the whole picture, from its SIZ segment without the length."""
    width, height, _, _, tile_width, tile_height, left, top = struct.unpack_from(">8I", siz, 2)
    across: int = math.ceil((width - left) / max(tile_width, 1))
    down: int = math.ceil((height - top) / max(tile_height, 1))
    return across * down


def _find_tiles(file: IO[bytes], claimed: int) -> int:
    """How many different tiles have a part in the file."""
    found: set[int] = set()
    while (marker := file.read(2)) not in (_EOC, b""):
        if marker != _SOT:
            _read_segment(file)
            continue
        _, tile, length, _, _ = struct.unpack(">HHIBB", file.read(_SOT_LENGTH - 2))
        found.add(tile)
        if length == 0:  # it reaches to the end
            break
        file.seek(max(length, _SOT_LENGTH) - _SOT_LENGTH, os.SEEK_CUR)
    return len(found)
