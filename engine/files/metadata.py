"""What a picture's file says about itself: EXIF of the photo, and its colour profile."""

from __future__ import annotations

import logging
import struct
import zlib
from functools import cache
from typing import Any

from PIL import ExifTags, Image, ImageCms

_ORIENTATION, _GPS, _EXIF_IFD, _MAKER_NOTE = 0x0112, 0x8825, 0x8769, 0x927C
_LAST_GPS_TAG = 0x001F
_SIZE = (0x0100, 0x0101, 0xA002, 0xA003)  # of the photo, and pictures may be smaller
_DIRECTORIES = (0x014A, 0xA005, 0xC6F5)  # SubIFDs, Interoperability, ProfileIFD
_PACKETS = (0x02BC, 0x83BB, 0x8649)  # XMP, IPTC, Photoshop
_GEO_TIFF = (0x830E, 0x8480, 0x8482, 0x85D8, 0x87AF, 0x87B0, 0x87B1)
_OF_RAW_FILES = (0xC634, 0xC68B, 0xC68C)  # a DNG's copy of the maker's notes, and its origin
_TELL_TALES = frozenset(
    (_ORIENTATION, _GPS, _EXIF_IFD, _MAKER_NOTE, *_DIRECTORIES, *_PACKETS, *_GEO_TIFF)
).union(_OF_RAW_FILES, _SIZE)
"""Tags that may say where a photo was taken, or lead to such; and those that no longer apply."""
_DATE = slice(24, 36)  # of a profile's header
_PNG_HEAD = 33  # signature and IHDR

log = logging.getLogger(__name__)


def filter_exif(exif: bytes, policy: str) -> bytes:
    """The EXIF block to write for a photo's; empty for none.

    "keep" takes all but the thumbnail, which shows the photo, the orientation, which is done, and
    the photo's size; "copy-safe" takes the known tags of the main directory and of the Exif
    directory, but none of these, nor where the photo was taken, nor what may reveal it too: the
    maker's notes, XMP, IPTC, and all other directories; "strip" takes nothing. A damaged block is
    left out.
    """
    if policy == "strip" or not exif:
        return b""
    try:
        tags = Image.Exif()
        tags.load(exif)
        inner = tags.get_ifd(_EXIF_IFD)
        for tag in (_ORIENTATION, *_SIZE):
            tags.pop(tag, None)
            inner.pop(tag, None)
        if policy == "copy-safe":
            tags = _leave_out_the_place(tags, inner)
        else:
            tags.get_ifd(_GPS)
        return tags.tobytes() if len(tags) or tags.get_ifd(_EXIF_IFD) else b""
    except Exception as error:  # any garbage may stand where EXIF should
        log.warning("EXIF data is damaged, and left out (%s)", error)
        return b""


def _leave_out_the_place(tags: Image.Exif, inner: dict[int, Any]) -> Image.Exif:
    """New directories, with what is known to be safe: GPS tags may stand in any directory, and
    what is not copied cannot be forgotten."""
    safe = Image.Exif()
    safe.endian = tags.endian
    safe.update({tag: value for tag, value in tags.items() if _is_safe(tag, value)})
    safe.get_ifd(_EXIF_IFD).update(
        {tag: value for tag, value in inner.items() if _is_safe(tag, value)}
    )
    return safe


def _is_safe(tag: int, value: Any) -> bool:
    is_known = tag in ExifTags.TAGS and tag > _LAST_GPS_TAG
    return is_known and tag not in _TELL_TALES and not isinstance(value, dict)


@cache
def srgb_profile() -> bytes:
    """An sRGB colour profile; always the same bytes, without the date of its making."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[_DATE] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    return bytes(profile)


def tag_png(data: bytes, exif: bytes, profile: bytes) -> bytes:
    """A PNG file with an EXIF block and a colour profile; either may be empty."""
    chunks = b""
    if profile:
        chunks += _chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(profile))
    if exif:
        chunks += _chunk(b"eXIf", exif.removeprefix(b"Exif\0\0"))
    return data[:_PNG_HEAD] + chunks + data[_PNG_HEAD:]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
