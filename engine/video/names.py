"""Which words name videos; nothing is opened, and FFmpeg need not be installed."""

from __future__ import annotations

import importlib.util
import os
import re

SUFFIXES = frozenset(
    (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts")
) | {".wmv", ".flv", ".ogv", ".3gp"}
"""Of files that are videos and nothing else."""
MOVING = frozenset((".gif", ".webp"))
"""Of pictures that may move: a folder's are photos."""
_CAMERA = "/dev/video"
_NUMBER = re.compile(r"%(?:0?\d)?d")


def is_video(path: str) -> bool:
    """Whether a path names a video by its suffix, a sequence of pictures, or a camera."""
    suffix = os.path.splitext(path)[1].lower()
    return suffix in SUFFIXES or is_sequence(path) or is_camera(path)


def begins_like_video(data: bytes) -> bool:
    """Whether bytes begin as those of an mp4, mov, mkv, webm or avi do."""
    if data[4:8] == b"ftyp":
        return data[8:11] not in (b"hei", b"hev", b"avi", b"mif", b"msf")  # HEIF's pictures
    return data.startswith(b"\x1aE\xdf\xa3") or (data[:4] == b"RIFF" and data[8:12] == b"AVI ")


def is_sequence(path: str) -> bool:
    """Whether a path stands for many pictures, as frame_%04d.png does."""
    name = os.path.basename(path)
    return "://" not in path and len(_NUMBER.findall(name)) == 1 and not os.path.exists(path)


def is_camera(path: str) -> bool:
    """Whether a path is a camera's, as Linux calls them."""
    return path.startswith(_CAMERA)


def camera_path(number: str) -> str:
    """Of a camera, by its number; a path as it is."""
    return f"{_CAMERA}{number}" if number.isdecimal() else number


def can_read_videos() -> bool:
    """Whether FFmpeg is installed for Python."""
    return importlib.util.find_spec("av") is not None
