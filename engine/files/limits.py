"""How large a photo may be: its header, its file and the pieces it comes in."""

from __future__ import annotations

from engine.errors import PhotoError

MAX_SIDE = 65_535
"""Pixels of the longer side: as many as a JPEG can have, so every camera's panorama is below it.
The tables for scaling a picture grow with its sides and not with its pixels: 195 bytes per pixel
of the side are 13 MB here, and would be 39 GB for the 1 x 200,000,000 pixels that the limit of
megapixels allows."""

MOST_READS = 1_000_000
"""Of a file, in Pillow's readers. They fetch every segment of a header one by one, in Python, and
a file of nothing but tiny segments keeps them busy for minutes. A photo of 200 megapixels and 16
bits, in the smallest chunks that PNG writers make, takes 600,000."""

MOST_TILE_PIXELS = 1 << 24
"""Of one tile of a TIFF that has fewer pixels itself. A decoder fills whole tiles, and a tile's
claim is not the picture's. Ordinary tiles have 65,536 pixels."""

_BYTES_PER_PIXEL = 8
_BYTES_BESIDE = 1 << 26


def most_bytes(max_megapixels: float) -> int:
    """How long a file may be: as four channels of 16 bits without compression, and 64 MiB of
    metadata or of the film in a live photo. Pipes, and some decoders, are read into memory."""
    return int(max_megapixels * 1e6 * _BYTES_PER_PIXEL) + _BYTES_BESIDE


def check_size(size: tuple[int, int], max_megapixels: float, name: str) -> None:
    """Raises PhotoError for a (width, height) above the limits, and for no pixel at all."""
    width, height = size
    if width < 1 or height < 1:
        raise PhotoError(f"{name}: {width} x {height}, it holds no pixel.")
    if width * height > max_megapixels * 1e6:
        raise PhotoError(
            f"{name}: {width} x {height} is {width * height / 1e6:.0f} megapixels, the limit is "
            f"{max_megapixels:g}.",
            option="max_megapixels",
            advice="{} raises it.",
        )
    if max(size) > MAX_SIDE:
        raise PhotoError(
            f"{name}: {width} x {height}, a side may have {MAX_SIDE:,} pixels at most. "
            "Cut it or scale it down first."
        )
