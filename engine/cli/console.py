"""What a run prints: one line or JSON object per photo, a bar, what failed, and a summary."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from engine.batch.listing import HEIC, VIDEO, Lister
from engine.cli.exits import flag, put, say
from engine.text import printable
from engine.versions import how_to_install

if TYPE_CHECKING:
    from engine.batch.plan import Task
    from engine.batch.target import Target
    from engine.batch.work import Worker
    from engine.record import PhotoRecord

_FIND_EVERY = 500


@dataclass
class Tally:
    """What became of the photos of a run."""

    done: int = 0
    skipped: int = 0
    empty: int = 0
    """Of those that were done: nobody was found in them."""
    failures: list[tuple[str, int]] = field(default_factory=list)
    """Message and exit code of each photo that failed."""
    started: float = field(default_factory=time.monotonic)

    @property
    def total(self) -> int:
        """How many photos there were."""
        return self.done + self.skipped + len(self.failures)

    def add(self, record: PhotoRecord) -> None:
        """Counts one photo."""
        if record.state == "failed":
            self.failures.append((record.told(flag), record.exit_code))
            return
        self.empty += record.is_empty
        if record.state == "skipped":
            self.skipped += 1
        else:
            self.done += 1


class FrameBars:
    """A bar for each video that is under way; nothing without `bars` to put it in."""

    bars: Any = None

    def __init__(self) -> None:
        self._tracks: dict[str, Any] = {}

    def __call__(self, video: str, done: int, total: int) -> None:
        """Of a video, `done` frames of `total` are drawn; 0 where nobody knows of how many."""
        if self.bars is None:
            return
        if video not in self._tracks:
            name = printable(video)
            self._tracks[video] = self.bars.add_task("frames", total=total or None, name=name)
        self.bars.update(self._tracks[video], completed=done, visible=done < total or not total)


@dataclass(frozen=True)
class Console:
    """How a run's records are shown."""

    target: Target
    as_json: bool = False
    quiet: bool = False
    bar: bool = False
    frames: FrameBars = field(default_factory=FrameBars)

    def show(self, records: Iterable[PhotoRecord], tally: Tally, total: int) -> None:
        """Prints each record as it comes, and counts it."""
        with _progress(total, self.bar and not self.quiet, self.frames) as track:
            for record in track(records):
                tally.add(record)
                if self.as_json:
                    files = tuple(map(self.target.path, record.files))
                    put(replace(record, files=files).to_json())
                elif record.state == "done" and not self.quiet and not self.target.is_stdout:
                    put(self._line(record, with_files=total == 1))

    def name_failures(self, tally: Tally, start: int = 0) -> None:
        """One line on stderr for each photo that failed, from number `start` on."""
        for message, _ in tally.failures[start:]:
            say("error: " + " ".join(message.split()))

    def summarise(self, tally: Tally, lister: Lister) -> None:
        """What was done, and which files of folders were not taken, on stderr."""
        if self.quiet or self.target.is_stdout:
            if tally.failures and tally.total > 1:
                say(f"error: {len(tally.failures)} of {tally.total} photos failed")
            return
        if tally.total > 1 or (tally.total and lister.folders and not tally.failures):
            say(_summary(tally, self.target.folder))
        self.explain_skipped(lister)

    def explain_skipped(self, lister: Lister) -> None:
        """Which files of folders were not taken for photos, on stderr."""
        if lister.skipped and not self.quiet:
            say(_explain_skipped(lister))

    def _line(self, record: PhotoRecord, with_files: bool) -> str:
        """Size, share of the kept classes, style, colours, SSIM and milliseconds."""
        from engine.report.summary import tell_colours

        ssim = record.metrics.get("ssim")
        files = ", ".join(map(self.target.path, record.files))
        return printable(
            f"{record.photo}  {record.width} x {record.height}  "
            f"kept {record.share:.1%}  {record.style}  colours {tell_colours(record)}  "
            f"SSIM {'-' if ssim is None else format(ssim, '.3f')}  "
            f"{sum(record.timings_ms.values()):.0f} ms"
            + (f"  -> {files}" if with_files and files else "")
        )


def print_plan(
    tasks: Iterable[Task],
    target: Target,
    worker: Worker | None,
    find: Callable[[str], PhotoRecord | None],
    as_json: bool,
) -> None:
    """What would be read and written, and what would be left as it is."""
    from engine.batch.foresight import foresee

    for task in tasks:
        state, remark = foresee(task, target, worker, find)
        paths = target.paths(task.name, task.is_video) if not task.problem else []
        if as_json:
            put(json.dumps({"photo": task.photo, "state": state, "files": paths, "error": remark}))
        elif state == "failed":
            put(printable(f"{task.photo}: {remark}"))
        else:
            note = {"skipped": "  (was done before)", "kept": f"  ({remark})"}.get(state, "")
            put(printable(f"{task.photo} -> {', '.join(paths) or 'stdout'}{note}"))


def _summary(tally: Tally, folder: str) -> str:
    parts = [f"{tally.done} of {tally.total} photos done"]
    if tally.skipped:
        parts.append(f"{tally.skipped} of {tally.total} photos were done before")
    if tally.failures:
        parts.append(f"{len(tally.failures)} of {tally.total} photos failed")
    if tally.empty:
        parts.append(f"nobody found in {tally.empty}")
    seconds = time.monotonic() - tally.started
    where = f"; the pictures are in {folder}" if folder and tally.done + tally.skipped else ""
    return f"{', '.join(parts)}, in {seconds:.1f} s{where}"


def _explain_skipped(lister: Lister) -> str:
    total = sum(lister.skipped.values())
    hints = {
        HEIC: f" ({how_to_install('heif')})",
        VIDEO: f" ({how_to_install('video')})",
    }
    parts = [f"{count} {kind}{hints.get(kind, '')}" for kind, count in lister.skipped.items()]
    return f"{total} {'files' if total > 1 else 'file'} skipped: {', '.join(parts)}"


@contextmanager
def finding(quiet: bool) -> Iterator[Callable[[Iterable[Any]], Iterator[Any]]]:
    """Shows on a terminal how many photos have been found, because large trees take a while."""
    if quiet or not _can_animate():
        yield iter
        return
    from rich.console import Console as Terminal

    terminal = Terminal(stderr=True)
    with terminal.status("finding photos") as status:

        def count(found: Iterable[Any]) -> Iterator[Any]:
            for index, item in enumerate(found):
                if index % _FIND_EVERY == 0:
                    status.update(f"finding photos: {index:,}")
                yield item

        yield count


@contextmanager
def _progress(
    total: int, wanted: bool, frames: FrameBars
) -> Iterator[Callable[[Iterable[PhotoRecord]], Iterable[PhotoRecord]]]:
    """A bar on stderr around several photos, when it is a terminal; else nothing."""
    if not wanted or not _can_animate():
        yield lambda records: records
        return
    from rich.console import Console as Terminal
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        BarColumn(), MofNCompleteColumn(), _rate_column(), TimeRemainingColumn(),
        TextColumn("{task.fields[name]}", markup=False),
        console=Terminal(stderr=True), redirect_stdout=sys.stdout.isatty(), transient=True,
    )  # fmt: skip
    with bar:
        frames.bars = bar
        photos = bar.add_task("photos", total=total, visible=total > 1, name="")
        yield lambda records: bar.track(records, total=total, task_id=photos)
        frames.bars = None


def _can_animate() -> bool:
    """Whether stderr is a terminal; rich needs a stdout too, even if it shows nothing there."""
    return sys.stdout is not None and sys.stderr.isatty()


def _rate_column() -> Any:
    from rich.progress import ProgressColumn
    from rich.progress import Task as Track
    from rich.text import Text

    class Rate(ProgressColumn):
        """Photos or frames per second."""

        def render(self, task: Track) -> Text:
            return Text(f"{task.speed or 0:.1f} {task.description}/s")

    return Rate()


class CompilingNotice(logging.Handler):
    """Says that kernels are being compiled, which happens once and takes a while."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self._count += 1
        if self._count == 1:
            say("compiling the kernels for this machine: this happens once and takes about 20 s")
        if sys.stderr.isatty():
            print(f"  {self._count} compiled", end="\r", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Ends the line that counts."""
        if self._count and sys.stderr.isatty():
            print(file=sys.stderr)
        super().close()
