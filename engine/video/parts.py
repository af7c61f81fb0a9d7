"""What is drawn of a video so far: whole segments, in a hidden folder beside the video to be.

A journal in it has a line for each segment whose files are on the disk. A run that is killed loses
at most the segment it was at; the next one, of the same input and settings, continues behind the
last whole one. The folder is gone when the video is there, and never holds what nobody can use.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from engine.errors import OutputError
from engine.files.writing import write_file
from engine.video.library import failure_to_error

LENGTH = 128
"""Frames of a segment."""
_JOURNAL = "journal"
_LOCK = "lock"
_OURS = re.compile(r"(?:(\d{6,})|joined)\.[a-z]+")


@dataclass(frozen=True)
class Segment:
    """Frames whose files are whole."""

    ticks: tuple[int, ...]
    """When each frame is shown, in ticks of the clip; they rise."""
    duration: int
    """Of the last frame, in ticks; 0 where that is not known."""
    share: float
    """Sum of what is kept of each frame, 0..1 each."""
    shot: int
    """Number of the video's frame at which the last frame's shot began: what is drawn next may
    depend on all frames since then."""


class Parts:
    """The segments of one video, which one run at a time may write."""

    def __init__(self, folder: Path, key: str, resume: bool) -> None:
        """`key` stands for the input and all settings. Without `resume`, all begins anew.

        Raises OutputError, DiskFullError; also while another run writes there.
        """
        self._folder, self._key = folder, key
        self.segments: list[Segment] = []
        self._done = False
        self._made = [path for path in folder.parents if not path.exists()]
        with failure_to_error(str(folder)):
            folder.mkdir(parents=True, exist_ok=True)
            if folder.is_symlink():
                raise NotADirectoryError(errno.ENOTDIR, "it is a link, expected a folder")
            self._lock = _hold(folder)
            kept = _read(folder / _JOURNAL, key) if resume else []
            self.segments = list(self._whole(kept))
            self._clear()
            self._write()

    @property
    def frames(self) -> int:
        """How many are drawn."""
        return sum(len(segment.ticks) for segment in self.segments)

    @property
    def shot(self) -> int:
        """Number of the frame from which on has to be drawn what goes on behind them."""
        return min(max(0, self.segments[-1].shot), self.frames) if self.segments else 0

    def path(self, index: int, kind: str) -> Path:
        """Where a segment's pictures of one kind are."""
        return self._folder / f"{index:06d}.{kind}"

    def joined(self, kind: str) -> Path:
        """Where the video is put together."""
        return self._folder / f"joined.{kind}"

    def add(self, segment: Segment, kinds: Sequence[str]) -> None:
        """Writes down that a segment's files are whole. Raises OutputError, DiskFullError."""
        with failure_to_error(str(self._folder)):
            for kind in kinds:
                _sync(self.path(len(self.segments), kind))
            self.segments.append(segment)
            self._write()

    def finish(self) -> None:
        """Nothing of it is needed any more."""
        self._done = True

    def close(self) -> None:
        """Removes what nobody can use, and lets other runs write."""
        if self._done:
            self.segments.clear()
        with contextlib.suppress(OSError):
            self._clear()
            if not self.segments:
                (self._folder / _JOURNAL).unlink()
                (self._folder / _LOCK).unlink()
                self._folder.rmdir()
                for made in self._made:  # where nothing came into it
                    made.rmdir()
        os.close(self._lock)

    def __enter__(self) -> Parts:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _whole(self, segments: Sequence[Segment]) -> Iterator[Segment]:
        """Those whose files are all there, up to the first that misses one."""
        for index, segment in enumerate(segments):
            if not list(self._folder.glob(f"{index:06d}.*")):
                return
            yield segment

    def _clear(self) -> None:
        """Removes what is ours, but for the whole segments, the journal and the lock."""
        for path in self._folder.iterdir():
            match = _OURS.fullmatch(path.name)
            if match and not (match[1] and int(match[1]) < len(self.segments)):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    def _write(self) -> None:
        lines = [json.dumps({"key": self._key}), *(json.dumps(asdict(s)) for s in self.segments)]
        write_file("\n".join(lines).encode(), self._folder / _JOURNAL, overwrite=True)


def parts_folder(folder: Path, name: str) -> Path:
    """Where the parts of videos of this name in a folder are."""
    return folder / f".{name}.parts"


def _read(journal: Path, key: str) -> list[Segment]:
    """The segments of a journal of this key; none where it is another's, or damaged."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
        first, *lines = journal.read_text().splitlines()
        if json.loads(first)["key"] == key:
            return [_parse(json.loads(line)) for line in lines]
    return []


def _parse(line: Any) -> Segment:
    """Raises ValueError, TypeError or KeyError for what `Parts` never writes."""
    ticks, duration, share = tuple(line["ticks"]), line["duration"], line["share"]
    numbers = (*ticks, duration, line["shot"])
    if not ticks or not all(type(n) is int and abs(n) < 1 << 62 for n in numbers):
        raise ValueError("expected times in ticks")
    if list(ticks) != sorted(set(ticks)) or not 0 <= share <= len(ticks):
        raise ValueError("expected times that rise, and a share")
    return Segment(ticks, duration, float(share), line["shot"])


def _hold(folder: Path) -> int:
    """The descriptor of a lock. Raises OutputError while another run has it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    lock = os.open(folder / _LOCK, flags, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise OutputError(f"{folder}: another run is writing there. Wait for it to end.") from None
    except OSError:  # two runs at the same time are then the user's to avoid
        pass
    return lock


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
