"""Bytes of photos: whole, cut short, and claiming more than they hold."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

RGB = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)


def encoded(image, format, **options):
    """A Pillow image as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def png_claiming(width, height):
    """A PNG of 57 bytes whose header promises that many pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    crc = struct.pack(">I", zlib.crc32(chunk))
    data = struct.pack(">I", 10) + b"IDAT" + b"\0" * 14
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + crc + data


JPEG = encoded(Image.fromarray(np.tile(RGB, (40, 40, 1))), "JPEG")
