"""Files at any URL that fsspec knows: s3://, gs://, memory://, ...; each needs its own package."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import IO, Any, cast

from engine.batch.store import Listing
from engine.errors import OptionError, OutputError, PhotoError
from engine.files.limits import most_bytes
from engine.versions import how_to_install


class RemoteStore:
    """See `Store`. Its paths are URLs; object stores write whole files at once by themselves."""

    def __init__(self, scheme: str) -> None:
        """Raises OptionError when fsspec or the file system's package is not installed."""
        try:
            import fsspec
        except ImportError:
            message = f"{scheme}:// needs fsspec and the file system's package"
            raise OptionError(f"{message}: {how_to_install('ray')}.") from None
        try:
            self._files: Any = fsspec.filesystem(scheme)
        except (ImportError, ValueError) as error:
            raise OptionError(f"{scheme}://: {error}.") from error

    def kind(self, path: str) -> str:
        if self._files.isdir(path):
            return "folder"
        return "file" if self._files.exists(path) else ""

    def walk(self, folder: str, recursive: bool, skip: frozenset[str]) -> Iterator[Listing]:
        for here, folders, files in self._files.walk(folder, maxdepth=None if recursive else 1):
            url = self.identity(here)
            ids = {name: self.identity(posixpath.join(here, name)) for name in folders}
            # What is taken out is not walked into.
            folders[:] = [n for n in folders if not n.startswith(".") and ids[n] not in skip]
            yield Listing(url, url, tuple(sorted(name for name in files if name)))

    def glob(self, pattern: str) -> list[str]:
        return sorted(self.identity(path) for path in self._files.glob(pattern))

    def exists(self, path: str) -> bool:
        return bool(self._files.exists(path))

    def read(self, path: str, max_megapixels: float) -> bytes:
        most = most_bytes(max_megapixels)
        try:
            if (self._files.size(path) or 0) > most:
                raise PhotoError(f"{path}: longer than {most / 1e6:.0f} megabytes.")
            return bytes(self._files.cat_file(path))
        except FileNotFoundError:
            raise PhotoError(f"{path}: no such file.") from None
        except OSError as error:
            raise PhotoError(f"{path}: cannot be read: {error}.") from error

    def open(self, path: str) -> IO[bytes]:
        return cast("IO[bytes]", self._files.open(path, "rb"))

    def write(self, path: str, data: bytes, overwrite: bool) -> None:
        try:
            if not overwrite and self._files.exists(path):
                advice = "{} replaces it."
                message = f"{path}: exists already, and is kept."
                raise OutputError(message, option="overwrite", advice=advice)
            self._files.pipe_file(path, data)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error}.") from error

    def remove(self, path: str) -> None:
        if self._files.exists(path):
            self._files.rm_file(path)

    def sweep(self, path: str) -> None:
        """Does nothing: there are no temporary files."""

    def identity(self, path: str) -> str:
        return str(self._files.unstrip_protocol(self._files._strip_protocol(path))).rstrip("/")
