"""This machine's files."""

from __future__ import annotations

import contextlib
import glob
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from engine.batch.store import Listing
from engine.errors import OutputError, PhotoError
from engine.files.photos import is_regular
from engine.files.sources import open_source
from engine.files.writing import sweep, write_file


class LocalStore:
    """See `Store`."""

    def kind(self, path: str) -> str:
        if os.path.isdir(path):
            return "folder"
        if is_regular(path):
            return "file"
        return "other" if os.path.exists(path) else ""

    def walk(self, folder: str, recursive: bool, skip: frozenset[str]) -> Iterator[Listing]:
        waiting = [folder]  # not by recursion, because folders may lie a thousand deep
        while waiting:
            here = waiting.pop()
            folders: list[str] = []
            files: list[str] = []
            try:
                with os.scandir(here) as entries:
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.name)
                        elif not _leads_to_folder(entry):
                            files.append(entry.name)
            except OSError as error:
                yield Listing(here, problem=f"{here}: cannot be listed: {error.strerror}.")
                continue
            yield Listing(here, tuple(sorted(files)))
            inner = [os.path.join(here, name) for name in folders if not name.startswith(".")]
            if recursive:
                kept = (path for path in inner if not skip or self.identity(path) not in skip)
                waiting += sorted(kept, reverse=True)

    def glob(self, pattern: str) -> list[str]:
        return sorted(glob.glob(pattern, recursive=True))

    def exists(self, path: str) -> bool:
        return os.path.lexists(path)

    def read(self, path: str, max_megapixels: float) -> bytes:
        try:
            with open_source(path, path or "''", max_megapixels) as file:
                return file.read()
        except FileNotFoundError:
            raise PhotoError(f"{path}: no such file.") from None
        except IsADirectoryError:
            raise PhotoError(f"{path}: is a folder, expected a photo.") from None
        except OSError as error:
            raise PhotoError(f"{path}: cannot be read: {error.strerror}.") from error

    def open(self, path: str) -> IO[bytes]:
        # Opening a pipe without O_NONBLOCK would wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        file = open(descriptor, "rb")  # noqa: SIM115, the caller closes it
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            file.close()
            raise OSError(f"{path} is not a regular file")
        return file

    def write(self, path: str, data: bytes, overwrite: bool) -> None:
        write_file(data, Path(path), overwrite)

    def remove(self, path: str) -> None:
        with contextlib.suppress(OSError):
            os.unlink(path)

    def sweep(self, path: str) -> None:
        try:
            sweep(Path(path))
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error.strerror}.") from error

    def identity(self, path: str) -> str:
        return os.path.realpath(path)


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False
