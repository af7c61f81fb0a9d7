"""What a batch has begun and done, line by line, so that another run goes on where it stopped.

A line is written whole, after a photo's files are: a run that is killed at any moment leaves files
that are whole, a journal that lacks at most its last line, and temporary files that are swept up.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from engine.errors import NO_ROOM, DiskFullError, OptionError, OutputError
from engine.files.writing import sweep
from engine.record import PhotoRecord, parse

NAME = ".cartoonify.jsonl"
_BLOCK = 1 << 20


class Journal:
    """The journal of one output folder, locked while it is open. Safe to use from several threads.

    Lines are JSON objects: "name" (of the photo, as in its outputs), "state" (begun, done, failed),
    "key" (of content and settings), "files" (relative to the folder), and what is known of it.
    """

    def __init__(self, folder: Path) -> None:
        """Raises OptionError when another run holds it, OutputError when it cannot be written."""
        self._folder, self.path = folder, folder / NAME
        self._lock = threading.Lock()
        self._keys: dict[str, str] = {}
        self._begun: set[str] = set()
        self._sources: dict[str, str] = {}
        self._files: dict[str, list[str]] = {}  # of the last time
        self._owned: dict[str, set[str]] = {}  # of all times
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = open(self.path, "a+b", 0)  # noqa: SIM115, see close()
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written: {error.strerror}.") from error
        try:
            _hold(self._file, folder)
            self._read()
        except BaseException:
            self._file.close()
            raise

    def is_done(self, name: str, key: str) -> bool:
        """Whether the photo was done with this key, and its files are still there."""
        files = self._files.get(name, [])
        return self._keys.get(name) == key and all((self._folder / f).is_file() for f in files)

    def owns(self, name: str, path: Path, source: str = "") -> bool:
        """Whether an earlier run made, or may have made, this file, of the same photo's path."""
        is_same = self._sources.get(name, "") == source
        return is_same and self._relative(path) in self._owned.get(name, set())

    def records(self) -> dict[str, PhotoRecord]:
        """What is known of each photo that was done, by its name."""
        done = (entry for entry in read_entries(self.path) if entry["state"] == "done")
        return {entry["name"]: parse(json.dumps(entry["record"])) for entry in done}

    def begin(self, name: str, key: str, files: Sequence[Path], source: str = "") -> None:
        """To be called before the files are written."""
        relative = [self._relative(path) for path in files]
        entry = {"name": name, "state": "begun", "key": key, "files": relative, "source": source}
        self._append(entry)

    def finish(self, name: str, key: str, record: PhotoRecord) -> None:
        """To be called when the files are written."""
        facts = json.loads(record.to_json())
        self._append({"name": name, "state": "done", "key": key, "record": facts})

    def fail(self, name: str, error: str, exit_code: int) -> None:
        """To be called instead of `finish`."""
        self._append({"name": name, "state": "failed", "error": error, "exit_code": exit_code})

    def sweep(self) -> None:
        """Removes temporary files of photos that were begun and never finished."""
        for name in self._begun:
            for file in self._owned[name]:
                sweep(self._folder / file)

    def close(self) -> None:
        """Lets go of the lock."""
        self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _relative(self, path: Path) -> str:
        return path.relative_to(self._folder).as_posix()

    def _read(self) -> None:
        for entry in read_entries(self.path):
            self._note(entry)
        self._file.seek(0, 2)
        if self._file.tell():
            self._file.seek(-1, 2)
            if self._file.read(1) != b"\n":  # cut off by a kill or a full disk
                self._file.write(b"\n")

    def _note(self, entry: dict[str, Any]) -> None:
        name, state = entry["name"], entry["state"]
        if state == "done":
            self._keys[name] = entry["key"]
            self._begun.discard(name)
        elif state == "begun":
            self._keys.pop(name, None)
            self._begun.add(name)
            self._files[name] = entry["files"]
            if self._sources.get(name, "") != entry["source"]:
                self._owned.pop(name, None)
            self._sources[name] = entry["source"]
            self._owned.setdefault(name, set()).update(entry["files"])

    def _append(self, entry: dict[str, Any]) -> None:
        line = json.dumps(entry, ensure_ascii=False).encode(errors="surrogateescape") + b"\n"
        with self._lock:
            self._note(entry)
            try:
                if self._file.write(line) < len(line):  # a full disk takes what goes in
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError as error:
                kind = DiskFullError if error.errno in NO_ROOM else OutputError
                raise kind(f"{self.path}: cannot be written: {error.strerror}.") from error


def read_entries(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a journal in their order; one that is cut off or damaged is left out."""
    with open(path, "rb") as file:
        for line in file:
            try:
                entry = json.loads(line.decode(errors="surrogateescape"))
            except ValueError:
                continue
            if isinstance(entry, dict) and {"name", "state"} <= entry.keys():
                yield entry


def owned_files(folder: str) -> set[str]:
    """Paths of all files that runs into this folder made, as its journal says; none without one."""
    path = Path(folder, NAME)
    if not path.is_file():
        return set()
    entries = read_entries(path)
    return {os.path.join(folder, file) for entry in entries for file in entry.get("files", ())}


def hash_file(path: str, settings: str) -> str:
    """The key of a photo's content under `settings`. Raises OSError."""
    digest = hashlib.blake2b(settings.encode(), digest_size=16)
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _hold(file: IO[bytes], folder: Path) -> None:
    try:
        import fcntl
    except ImportError:  # not on this system: two runs at once are then the user's to avoid
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise OptionError(
            f"{folder}: another run is writing there. Wait for it, or choose another -o."
        ) from None
