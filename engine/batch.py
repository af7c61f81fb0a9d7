"""Many photos: what is read and written, settled before any work, and the work itself."""

from __future__ import annotations

import logging
import os
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import EngineError, OptionError, PhotoError
from engine.images import SUFFIXES
from engine.record import Record, to_record
from engine.result import KINDS

if TYPE_CHECKING:
    from engine.output import Output
    from engine.pipeline import Cartoonifier

STDIN = "-"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One photo to do, or an input that cannot be done."""

    source: str
    """A path, or "-" for standard input."""
    name: str
    """Stem of its outputs."""
    error: EngineError | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a job: a record of what was made and written, or an error."""

    job: Job
    record: Record | None = None
    error: EngineError | None = None


def plan_jobs(inputs: Sequence[str], output: Output) -> list[Job]:
    """A job for each photo: files as given, folders as the pictures in them, each once.

    Photos of one stem (a.jpg and a.png) are told apart by their suffix. Raises OptionError
    when outputs collide even so, or would replace a photo that is still to be read.
    """
    jobs: list[Job] = []
    seen: set[str] = set()
    for given in inputs:
        for job in _expand(given):
            identity = STDIN if job.source == STDIN else os.path.realpath(job.source)
            if identity not in seen:
                seen.add(identity)
                jobs.append(job)
    jobs = _tell_apart(jobs)
    _refuse_collisions(jobs, output)
    return jobs


def run_jobs(
    cartoonifier: Cartoonifier,
    jobs: Iterable[Job],
    output: Output,
    workers: int = 1,
    measure: bool = True,
) -> Iterator[Outcome]:
    """Does the jobs, `workers` at a time, and yields their outcomes in the order of the jobs.

    One that fails becomes an outcome with an error. Pictures are let go of once they are written:
    at most `workers` photos are in memory.
    """
    if workers == 1:
        for job in jobs:
            yield _run_job(cartoonifier, job, output, measure)
        return
    pool = ThreadPoolExecutor(workers, "photo")
    waiting: deque[Future[Outcome]] = deque()
    try:
        for job in jobs:
            waiting.append(pool.submit(_run_job, cartoonifier, job, output, measure))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _run_job(cartoonifier: Cartoonifier, job: Job, output: Output, measure: bool) -> Outcome:
    try:
        if job.error:
            raise job.error
        output.check(job.name)
        if job.source == STDIN and sys.stdin is None:
            raise PhotoError("stdin: is closed.")
        result = cartoonifier(sys.stdin.buffer if job.source == STDIN else job.source)
        result.name = job.name
        files = output.write(result)
        return Outcome(job, to_record(result, job.source, files, measure))
    except EngineError as error:
        return Outcome(job, error=error)
    except BrokenPipeError:
        raise
    except Exception as error:  # whatever it is, the other photos are still done
        log.debug("%s", job.source, exc_info=True)
        return Outcome(job, error=EngineError(f"{job.source}: unexpected {error!r}"))


def _expand(given: str) -> list[Job]:
    if given == STDIN:
        return [Job(STDIN, "stdin")]
    if not os.path.isdir(given):
        return [Job(given, Path(given).stem)]
    try:
        files = sorted(entry.name for entry in os.scandir(given) if entry.is_file())
    except OSError as error:
        return [Job(given, "", PhotoError(f"{given}: cannot be listed: {error.strerror}."))]
    pictures = [name for name in files if _is_picture(name)]
    photos = [name for name in pictures if not _is_output(name, pictures)]
    if len(photos) < len(pictures):
        log.info("%s: %d outputs of earlier runs skipped", given, len(pictures) - len(photos))
    if not photos:
        return [Job(given, "", PhotoError(f"{given}: a folder without pictures."))]
    return [Job(os.path.join(given, name), Path(name).stem) for name in photos]


def _is_picture(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES


def _is_output(name: str, pictures: Sequence[str]) -> bool:
    """Whether an earlier run made it of another picture in the folder."""
    photo, _, kind = Path(name).stem.rpartition("_")
    others = (other for other in pictures if other != name)
    return kind in KINDS and any(photo in (other, Path(other).stem) for other in others)


def _tell_apart(jobs: list[Job]) -> list[Job]:
    """Colliding names get their suffix: a.jpg, a.png; letter case does not tell files apart."""
    while True:
        count = Counter(job.name.casefold() for job in jobs if not job.error)
        named = [
            replace(job, name=Path(job.source).name)
            if count[job.name.casefold()] > 1 and not job.error
            else job
            for job in jobs
        ]
        if named == jobs:
            return jobs
        jobs = named


def _refuse_collisions(jobs: Sequence[Job], output: Output) -> None:
    sources = {os.path.realpath(job.source): job for job in jobs if job.source != STDIN}
    owners: dict[str, Job] = {}
    for job in jobs:
        for path in [] if job.error else output.paths(job.name):
            other = owners.setdefault(str(path), job)
            if other is not job:
                raise OptionError(
                    f"{other.source} and {job.source} would be written to the same files; "
                    "do them in two runs with different -o."
                )
            if os.path.realpath(path) in sources:
                raise OptionError(f"{path} is an input of this run; choose another -o.")
