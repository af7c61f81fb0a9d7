"""Where photos lie and pictures go: one interface for this machine's files and for remote ones."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import IO, Protocol

_PIECE = 1 << 20
_LOCAL = ("file://", "local://")


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of one folder."""

    folder: str
    files: tuple[str, ...] = ()
    """Their names, sorted, hidden ones too."""
    problem: str = ""
    """Why it cannot be listed; empty where it can."""


class Store(Protocol):
    """A file system. Paths are its own, or URLs; their parts are joined by "/"."""

    def kind(self, path: str) -> str:
        """ "file", "folder", "other" (a pipe, a socket or a device), or "" where nothing is."""
        ...

    def walk(self, folder: str, recursive: bool, skip: frozenset[str]) -> Iterator[Listing]:
        """A folder and, if `recursive`, the folders in it, each before its own, sorted.

        Hidden folders are left out, and those whose identity is in `skip`. Links to folders are
        not followed.
        """
        ...

    def glob(self, pattern: str) -> list[str]:
        """What a pattern (*, ?, [...], **) matches, sorted."""
        ...

    def exists(self, path: str) -> bool:
        """Whether anything has that name, be it a broken link."""
        ...

    def read(self, path: str, max_megapixels: float) -> bytes:
        """A photo's file. Raises PhotoError when it is missing, or longer than any photo."""
        ...

    def open(self, path: str) -> IO[bytes]:
        """A regular file that was written earlier. Raises OSError, also for anything else."""
        ...

    def write(self, path: str, data: bytes, overwrite: bool) -> None:
        """Writes a file, whole or not at all. Raises OutputError, DiskFullError."""
        ...

    def remove(self, path: str) -> None:
        """Takes a file away, if it is there."""
        ...

    def sweep(self, path: str) -> None:
        """Removes what a killed run left of its write to `path`."""
        ...

    def identity(self, path: str) -> str:
        """The same text for every way to name one file."""
        ...


def open_store(path: str) -> Store:
    """The file system of a path or URL. Raises OptionError when there is none for it here."""
    scheme, mark, _ = path.partition("://")
    return _open_remote(scheme) if mark and f"{scheme}://" not in _LOCAL else _open_local()


def local_path(path: str) -> str:
    """A file:// URL as a path; all else as it is."""
    scheme = next((s for s in _LOCAL if path.startswith(s)), "")
    return path.removeprefix(scheme)


@cache
def _open_local() -> Store:
    from engine.batch.local import LocalStore

    return LocalStore()


@cache
def _open_remote(scheme: str) -> Store:
    from engine.batch.remote import RemoteStore

    return RemoteStore(scheme)


def digest(data: bytes) -> str:
    """By which a file is known again."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def digest_at(store: Store, path: str) -> str:
    """The same of a file that exists; "" where it is no file, or cannot be read."""
    found = hashlib.blake2b(digest_size=16)
    try:
        with store.open(path) as file:
            while piece := file.read(_PIECE):
                found.update(piece)
    except OSError:
        return ""
    return found.hexdigest()


def join(folder: str, below: str) -> str:
    """A path below a folder of any store."""
    return posixpath.join(folder, below)
