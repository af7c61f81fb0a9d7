"""Compiled networks, kept from one process to the next: in the user's cache, checked when read."""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path

from engine.errors import OutputError
from engine.files.writing import write_file

log = logging.getLogger(__name__)


def find_folder(provider: str, data: bytes) -> Path | None:
    """A folder for what a provider compiles of an .onnx file, which `data` is.

    None where it cannot be made, or where others than the user may write: a runtime trusts what
    it has compiled.
    """
    from platformdirs import user_cache_path

    path = user_cache_path("cartoonify") / "compiled" / provider / hashlib.sha256(data).hexdigest()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.stat()
    except OSError as error:
        log.debug("%s: %s", path, error)
        return None
    return path if status.st_uid == os.getuid() and not status.st_mode & 0o022 else None


def read(path: Path, key: str) -> bytes | None:
    """What was written under the same key; None where nothing was, or it is damaged."""
    try:
        digest, _, data = path.read_bytes().partition(b"\n")
    except (OSError, MemoryError):
        return None
    return data if digest == _digest(key, data) else None


def write(path: Path, key: str, data: bytes) -> None:
    """Keeps data for the next time, if there is room. Another key replaces it."""
    try:
        write_file(_digest(key, data) + b"\n" + data, path, overwrite=True)
    except OutputError as error:
        log.debug("%s", error)


def _digest(key: str, data: bytes) -> bytes:
    return hashlib.sha256(key.encode() + b"\n" + data).hexdigest().encode()
