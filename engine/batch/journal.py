"""What earlier runs did, photo by photo, so that another run continues where they stopped.

One line of JSON, a `PhotoRecord`, for each photo that was done or failed; the last line of a name
counts. A line is written when the photo's pictures are whole: a run that is killed loses at most
its last lines, and the next one finds files that equal what it would write. A journal is text that
anybody may have written: a line that is no record is left out, and paths never leave its folder.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import stat
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO

from engine.batch.store import Store, join, open_store
from engine.errors import NO_ROOM, DiskFullError, OptionError, OutputError
from engine.record import PhotoRecord, parse

NAME = ".cartoonify.jsonl"
"""Of the journal of a folder on this machine."""
PARTS = ".cartoonify"
"""Of a remote one: a folder of files with lines, because remote files cannot grow."""
LONGEST_LINE = 1 << 24
PART_LINES, PART_SECONDS = 500, 20.0

log = logging.getLogger(__name__)


class Journal:
    """The journal of one output folder; safe to use from several threads.

    In memory there are only each photo's name, and where its line is: some 200 bytes.
    """

    def __init__(self, lines: IO[bytes], where: str, read: bool = True) -> None:
        """Of a file that is open for reading and appending; `read` says whether to look into it."""
        self._lines, self._where = lines, where
        self._lock = threading.Lock()
        self._places: dict[str, int] = {}
        self.damaged = 0
        """How many lines were left out."""
        if read:
            self._read()
        self._end_last_line()

    def find(self, name: str) -> PhotoRecord | None:
        """What was last done for this name, or None."""
        with self._lock:
            place = self._places.get(name)
            if place is None:
                return None
            self._lines.seek(place)
            with contextlib.suppress(ValueError):  # somebody changed the file since it was read
                return parse(self._lines.readline(LONGEST_LINE))
            return None

    def holder(self, name: str) -> str:
        """The identity of the photo that has this name, or ""."""
        record = self.find(name)
        return record.source if record else ""

    def append(self, record: PhotoRecord) -> None:
        """Writes a record down. Raises OutputError, DiskFullError."""
        line = record.to_json().encode() + b"\n"
        with self._lock:
            self._append(line)
            if record.state == "done":
                # Others may have appended lines before this one: only the system knows where it is.
                end = os.lseek(self._lines.fileno(), 0, os.SEEK_CUR)
                self._places[record.name] = end - len(line)

    def close(self) -> None:
        """Releases the files."""
        with contextlib.suppress(OSError):  # of a line that did not fit, and was told
            self._lines.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read(self) -> None:
        self._lines.seek(0)
        for place, line in _split(self._lines):
            try:
                record = parse(line)
            except ValueError as error:
                self.damaged += 1
                log.debug("%s: a line is left out: %s", self._where, error)
                continue
            if record.state == "done":
                self._places[record.name] = place
        if self.damaged:
            log.warning(
                "%s: left out, as damaged or of another version: %d of its lines",
                self._where, self.damaged,
            )  # fmt: skip

    def _end_last_line(self) -> None:
        """A kill or a full disk may have cut off the last one."""
        end = self._lines.seek(0, os.SEEK_END)
        if end:
            self._lines.seek(end - 1)
            if self._lines.read(1) != b"\n":
                self._append(b"\n")

    def _append(self, line: bytes) -> None:
        try:
            self._lines.seek(0, os.SEEK_END)
            self._lines.write(line)
            self._lines.flush()
        except OSError as error:
            kind = DiskFullError if error.errno in NO_ROOM else OutputError
            raise kind(f"{self._where}: cannot be written: {error.strerror}.") from error


class _RemoteJournal(Journal):
    """Lines in a temporary file; new ones are also sent to the store, several at a time."""

    def __init__(self, store: Store, folder: str) -> None:
        self._store, self._folder = store, join(folder, PARTS)
        self._run, self._parts, self._sent = uuid.uuid4().hex[:12], 0, time.monotonic()
        self._waiting: list[bytes] = []
        spool = tempfile.TemporaryFile()  # noqa: SIM115, closed by close()
        for part in _read_parts(store, self._folder):
            spool.write(part)
        super().__init__(spool, self._folder)
        self._waiting.clear()

    def append(self, record: PhotoRecord) -> None:
        super().append(record)
        with self._lock:
            late = time.monotonic() - self._sent > PART_SECONDS
            if late or len(self._waiting) >= PART_LINES:
                self._send()

    def close(self) -> None:
        with self._lock:
            self._send()
        super().close()

    def _append(self, line: bytes) -> None:
        super()._append(line)
        self._waiting.append(line)

    def _send(self) -> None:
        if self._waiting:
            path = join(self._folder, f"{self._run}-{self._parts:06d}.jsonl")
            self._store.write(path, b"".join(self._waiting), overwrite=True)
            self._waiting, self._parts = [], self._parts + 1
        self._sent = time.monotonic()


class _AppendOnly(Journal):
    """Of a run that names its photos: others may write at the same time, and nothing is known.

    The file is opened for each line, so that a run which fails leaves no empty one.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def find(self, name: str) -> PhotoRecord | None:
        return None

    def append(self, record: PhotoRecord) -> None:
        if record.state == "done":
            path = os.path.join(self._folder, NAME)
            with Journal(_open_to_append(self._folder, path), path, read=False) as journal:
                journal.append(record)

    def close(self) -> None:
        pass


class _Held(Journal):
    """Of a run that writes alone. If nothing was written down, neither the file nor the folders
    that were made for it are left."""

    def __init__(self, lines: IO[bytes], path: str, made: list[Path]) -> None:
        super().__init__(lines, path)
        self._made = made

    def close(self) -> None:
        if self._lines.seek(0, os.SEEK_END) == 0:
            with contextlib.suppress(OSError):
                os.unlink(self._where)
                for folder in self._made:
                    folder.rmdir()
        super().close()


def open_journal(folder: str, alone: bool) -> Journal:
    """The journal of an output folder, which is made where it is missing.

    With `alone` no other run may write into the folder at the same time; without it this run only
    appends to the journal, and knows nothing of what is in it.

    Raises OptionError while another run writes there alone, OutputError when the journal cannot
    be written or is no regular file.
    """
    if "://" in folder:
        return _RemoteJournal(open_store(folder), folder)
    if not alone:
        return _AppendOnly(folder)
    path = os.path.join(folder, NAME)
    made = [f for f in (Path(folder), *Path(folder).parents) if not os.path.lexists(f)]
    file = _open_to_append(folder, path)
    try:
        _hold(file, folder)
        return _Held(file, path, made)
    except BaseException:
        file.close()
        raise


def read_journal(folder: str) -> Journal | None:
    """A copy of a folder's journal, to look things up in; None where there is none."""
    spool = tempfile.TemporaryFile()  # noqa: SIM115, closed by the journal
    for line in _read_lines(open_store(folder), folder):
        spool.write(line)
    if spool.tell():
        return Journal(spool, folder)
    spool.close()
    return None


def owned_files(store: Store, folder: str) -> Iterator[str]:
    """Paths below a folder of the pictures that runs into it made, as its journal says."""
    for line in _read_lines(store, folder):
        with contextlib.suppress(ValueError):
            yield from parse(line).files


def _read_lines(store: Store, folder: str) -> Iterator[bytes]:
    if "://" in folder:
        yield from b"".join(_read_parts(store, join(folder, PARTS))).splitlines(keepends=True)
        return
    with contextlib.suppress(OSError), store.open(join(folder, NAME)) as file:
        yield from (line for _, line in _split(file))


def _read_parts(store: Store, folder: str) -> Iterator[bytes]:
    """The parts of a remote journal, oldest first."""
    parts = []
    for path in store.glob(join(folder, "*.jsonl")):
        with contextlib.suppress(OSError), store.open(path) as file:
            data = file.read()
            parts.append((_time_of(data), data if data.endswith(b"\n") else data + b"\n"))
    yield from (data for _, data in sorted(parts))


def _time_of(lines: bytes) -> float:
    try:
        return parse(lines.partition(b"\n")[0]).time
    except ValueError:
        return 0.0


def _split(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Each line, and where it begins; one that is far too long comes in pieces."""
    place = 0
    while line := file.readline(LONGEST_LINE):
        yield place, line
        place += len(line)


def _open_to_append(folder: str, path: str) -> IO[bytes]:
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        os.makedirs(folder, exist_ok=True)
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        is_link = error.errno == errno.ELOOP
        reason = "it is a link, expected a file" if is_link else error.strerror
        kind = DiskFullError if error.errno in NO_ROOM else OutputError
        raise kind(f"{path}: cannot be written: {reason}.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OutputError(f"{path}: is a pipe or a device, expected a file. Remove it.")
    return open(descriptor, "a+b")


def _hold(file: IO[bytes], folder: str) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise OptionError(
            f"{folder}: another run is writing there. Wait for it to end.",
            option="out",
            advice="Or choose another folder with {}.",
        ) from None
    except OSError as error:  # two runs at the same time are then the user's to avoid
        log.warning("%s: the file system has no locks (%s)", folder, error.strerror)
