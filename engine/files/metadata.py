"""What a picture's file says about itself: EXIF of the photo, and its colour profile."""

from __future__ import annotations

import logging
import struct
import zlib
from functools import cache

from PIL import Image, ImageCms

from engine.errors import OptionError, did_you_mean
from engine.options import POLICIES

_ORIENTATION, _GPS, _EXIF_IFD, _MAKER_NOTE = 0x0112, 0x8825, 0x8769, 0x927C
_XMP, _IPTC, _PHOTOSHOP = 0x02BC, 0x83BB, 0x8649
_TELL_TALES = (_GPS, _XMP, _IPTC, _PHOTOSHOP)
"""Tags that may say where a photo was taken."""
_DATE = slice(24, 36)  # of a profile's header
_PNG_HEAD = 33  # signature and IHDR

log = logging.getLogger(__name__)


def check_policy(policy: str) -> None:
    """Raises OptionError for an unknown policy."""
    if policy not in POLICIES:
        raise OptionError(f"metadata {policy!r}: {did_you_mean(policy, POLICIES)}")


def filter_exif(exif: bytes, policy: str) -> bytes:
    """The EXIF block to write for a photo's; empty for none.

    "keep" takes all but the thumbnail, which shows the photo, and the orientation, which is done;
    "copy-safe" also leaves out where the photo was taken, and the maker's notes, which may tell it
    too; "strip" takes nothing. A damaged block is left out.
    """
    if policy == "strip" or not exif:
        return b""
    try:
        tags = Image.Exif()
        tags.load(exif)
        inner = tags.get_ifd(_EXIF_IFD)
        tags.pop(_ORIENTATION, None)
        if policy == "copy-safe":
            for tag in _TELL_TALES:
                tags.pop(tag, None)
            tags._ifds.pop(_GPS, None)
            inner.pop(_MAKER_NOTE, None)
        else:
            tags.get_ifd(_GPS)
        return tags.tobytes() if len(tags) or inner else b""
    except Exception as error:  # any garbage may stand where EXIF should
        log.warning("EXIF data is damaged, and left out (%s)", error)
        return b""


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
