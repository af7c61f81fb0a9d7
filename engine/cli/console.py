"""What the command line prints: a line or a JSON object a photo, a bar, what failed, the plan."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.batch.output import Output
    from engine.batch.plan import Job
    from engine.record import PhotoRecord


@dataclass(frozen=True)
class Wishes:
    """How the outcomes are shown."""

    as_json: bool
    lines: bool
    bar: bool


def show(records: Iterable[PhotoRecord], wishes: Wishes, total: int) -> list[PhotoRecord]:
    """Prints each record as it comes, and returns those that failed."""
    failed, skipped = [], 0
    with _progress(total, wishes.bar) as track:
        for record in track(records):
            if record.state == "failed":
                failed.append(record)
            elif record.state == "skipped":
                skipped += 1
            if wishes.as_json:
                print(record.to_json(), flush=True)
            elif record.state == "done" and wishes.lines:
                print(as_line(record), flush=True)
    if skipped and wishes.lines:
        print(f"{skipped} of {total} photos were done before")
    return failed


def name_failed(errors: Sequence[str], total: int) -> None:
    """Each failure on a line of stderr, and how many of several failed."""
    for error in errors:
        print("error:", " ".join(error.split()), file=sys.stderr)
    if errors and total > 1:
        print(f"error: {len(errors)} of {total} photos failed", file=sys.stderr)


def print_plan(jobs: Sequence[Job], output: Output) -> None:
    """What would be read, and what written."""
    for job in jobs:
        if job.error:
            print(f"{job.source}: {job.error}")
        else:
            print(job.source, "->", ", ".join(map(str, output.paths(job.name))) or "stdout")


def as_line(record: PhotoRecord) -> str:
    """Size, share of the kept classes, colours per channel, SSIM and milliseconds."""
    from engine.display import printable

    colours = "/".join(str(len(centroids)) for centroids in record.palette.values())
    ssim = record.metrics.get("ssim")
    return (
        f"{printable(record.photo)}  {record.width} x {record.height}  "
        f"kept {record.share:.1%}  colours {colours}  "
        f"SSIM {'-' if ssim is None else format(ssim, '.3f')}  "
        f"{sum(record.timings_ms.values()):.0f} ms"
    )


@contextmanager
def _progress(
    total: int, wanted: bool
) -> Iterator[Callable[[Iterable[PhotoRecord]], Iterable[PhotoRecord]]]:
    """A bar on stderr around several photos, when it is a terminal; else nothing."""
    if not wanted or not sys.stderr.isatty():
        yield lambda records: records
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    bar = Progress(
        BarColumn(), MofNCompleteColumn(), _rate_column(), TimeRemainingColumn(),
        console=Console(stderr=True), redirect_stdout=sys.stdout.isatty(), transient=True,
    )  # fmt: skip
    with bar:
        yield lambda records: bar.track(records, total=total, description="photos")


def _rate_column() -> Any:
    from rich.progress import ProgressColumn, Task
    from rich.text import Text

    class Rate(ProgressColumn):
        """Photos a second."""

        def render(self, task: Task) -> Text:
            return Text(f"{task.speed or 0:.1f} photos/s")

    return Rate()
