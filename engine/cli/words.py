"""The words that name photos, other than arguments: the lines of a file, and the sample."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from engine.errors import OptionError
from engine.versions import how_to_install

STDIN = "-"
MOST_BYTES = 1 << 30
"""Of a list of names: some ten million of them. A pipe may have no end."""


def read_names(path: str) -> list[str]:
    """Names, one per line or NUL-separated, of a file or of stdin ("-"). Raises OptionError."""
    try:
        if path == STDIN:
            data = sys.stdin.buffer.read(MOST_BYTES) if sys.stdin else b""
        else:
            with open(path, "rb") as file:
                data = file.read(MOST_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OptionError(f"{path}: cannot be read: {reason}.", option="files_from") from error
    if len(data) == MOST_BYTES:
        message = f"{path}: longer than {MOST_BYTES:,} bytes, expected names of photos."
        raise OptionError(message, option="files_from")
    names = data.split(b"\0") if b"\0" in data else data.splitlines()
    return [os.fsdecode(name) for name in names if name.strip()]


def demo_photo() -> str:
    """The astronaut that scikit-image brings along: a portrait by NASA, in the public domain.

    Raises OptionError without scikit-image.
    """
    package = importlib.util.find_spec("skimage")
    for folder in (package.submodule_search_locations or []) if package else []:
        photo = Path(folder, "data", "astronaut.png")
        if photo.is_file():
            return os.fspath(photo)
    raise OptionError(f"the sample photo comes with scikit-image: {how_to_install('demo')}.")
