"""Files are written whole or not at all, and strangers' files are kept."""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from engine.errors import NO_ROOM, DiskFullError, OutputError

_IS_KEPT = "exists already, and is kept."
_REPLACES = {"option": "overwrite", "advice": "{} replaces it."}


def write_file(data: bytes, path: Path, overwrite: bool) -> None:
    """Writes a file, whole or not at all.

    Raises OutputError when the file exists and may not be overwritten, or cannot be written.
    """
    temporary = path.with_name(temporary_name(path, uuid.uuid4().hex[:12]))
    try:
        with _new_folders(path.parent):
            try:
                with open(temporary, "xb") as file:
                    file.write(data)
                if overwrite:
                    os.replace(temporary, path)
                else:
                    _move_to_new(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)
    except FileExistsError as error:
        raise OutputError(f"{path}: {_IS_KEPT}", **_REPLACES) from error
    except OSError as error:
        kind = DiskFullError if error.errno in NO_ROOM else OutputError
        raise kind(f"{path}: cannot be written: {error.strerror or error}.") from error


def temporary_name(path: Path, mark: str) -> str:
    """What a file is called while it is written: short, and its own for each name and mark."""
    digest = hashlib.blake2b(os.fsencode(path.name), digest_size=8).hexdigest()
    return f".{digest}.{mark}.tmp"


def refuse_existing(paths: Iterable[Path]) -> None:
    """Raises OutputError when one of the files exists: it is kept."""
    for path in paths:
        if os.path.lexists(path):
            raise OutputError(f"{path}: {_IS_KEPT}", **_REPLACES)


@contextlib.contextmanager
def _new_folders(folder: Path) -> Iterator[None]:
    """Makes the folders that are missing, and takes them away again after a failure."""
    missing = [f for f in (folder, *folder.parents) if not f.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for made in missing:
            with contextlib.suppress(OSError):
                made.rmdir()
        raise


def _move_to_new(temporary: Path, path: Path) -> None:
    """Renames, but never replaces a file. Raises FileExistsError."""
    try:
        os.link(temporary, path)  # unlike a rename, it fails where something exists
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        os.replace(temporary, path)
