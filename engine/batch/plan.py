"""What a run reads and what it will write, settled before any work."""

from __future__ import annotations

import glob
import logging
import os
import posixpath
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from engine.batch.journal import NAME as JOURNAL
from engine.batch.journal import owned_files
from engine.errors import EngineError, OptionError, PhotoError
from engine.files.photos import SUFFIXES
from engine.options import KINDS

if TYPE_CHECKING:
    from engine.batch.output import Output

STDIN = "-"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One photo to do, or an input that cannot be done."""

    source: str
    """A path, or "-" for standard input."""
    name: str
    """Of its outputs: their path below the output folder, up to the kind."""
    error: EngineError | None = None


def plan_jobs(inputs: Sequence[str], output: Output, recursive: bool = False) -> list[Job]:
    """A job for each photo: files as given, folders as the pictures in them, each once.

    With `recursive` also the pictures of the folders in folders, whose outputs are in folders of
    the same names. What is hidden is left out, and so are outputs of earlier runs. A pattern
    (*, ?, [...]) that is no file stands for what it matches.

    Photos of one stem (a.jpg and a.png) are told apart by their suffix. Raises OptionError
    when outputs collide even so, or would replace a photo that is still to be read.
    """
    jobs: list[Job] = []
    seen: set[str] = set()
    for given in inputs:
        for job in _expand(given, output, recursive):
            identity = STDIN if job.source == STDIN else os.path.realpath(job.source)
            if identity not in seen:
                seen.add(identity)
                jobs.append(job)
    jobs = _tell_apart(jobs)
    _refuse_collisions(jobs, output)
    return jobs


def list_folder(folder: str, output: Output, recursive: bool) -> Iterator[Job]:
    """A job for each picture, in the order of the names; an error for what cannot be listed."""
    own = os.path.realpath(output.folder) if output.folder else ""
    made = {os.path.realpath(path) for path in owned_files(own)} if own else set()
    problems: list[OSError] = []
    for here, folders, files in os.walk(folder, onerror=problems.append):
        folders[:] = sorted(
            name
            for name in folders
            if recursive
            and not name.startswith(".")
            and os.path.realpath(os.path.join(here, name)) != own
            and not (name == "figures" and {"report.html", "report.json"} <= set(files))
        )
        if JOURNAL in files:
            made |= {os.path.realpath(path) for path in owned_files(here)}
        if made:
            files = [n for n in files if os.path.realpath(os.path.join(here, n)) not in made]
        below = Path(os.path.relpath(here, folder)).as_posix()
        for name in _photos(sorted(files), here):
            stem = Path(name).stem
            yield Job(os.path.join(here, name), stem if below == "." else f"{below}/{stem}")
    for problem in problems:
        where = os.fsdecode(problem.filename)
        yield Job(where, "", PhotoError(f"{where}: cannot be listed: {problem.strerror}."))


def _expand(given: str, output: Output, recursive: bool) -> list[Job]:
    if given == STDIN:
        return [Job(STDIN, "stdin")]
    if os.path.isdir(given):
        jobs = list(list_folder(given, output, recursive))
        return jobs or [Job(given, "", PhotoError(f"{given}: a folder without pictures."))]
    if glob.has_magic(given) and not os.path.lexists(given):
        found = sorted(glob.glob(given, recursive=True))
        if not found:
            return [Job(given, "", PhotoError(f"{given}: matches nothing."))]
        return [job for path in found for job in _expand(path, output, recursive)]
    return [Job(given, Path(given).stem)]


def leave_out_outputs(paths: Sequence[str]) -> list[str]:
    """Without those that an earlier run made of another picture of the same folder."""
    stems = {os.path.splitext(path)[0] for path in paths} | set(paths)
    photos = []
    for path in paths:
        photo, _, kind = os.path.splitext(path)[0].rpartition("_")
        if not (kind in KINDS and photo in stems):
            photos.append(path)
    return photos


def _photos(files: Sequence[str], folder: str) -> list[str]:
    pictures = [name for name in files if _is_picture(name)]
    photos = leave_out_outputs(pictures)
    if len(photos) < len(pictures):
        log.info("%s: %d outputs of earlier runs skipped", folder, len(pictures) - len(photos))
    return photos


def _is_picture(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES


def _tell_apart(jobs: list[Job]) -> list[Job]:
    """Colliding names get their suffix: a.jpg, a.png; letter case does not tell files apart."""
    while True:
        count = Counter(job.name.casefold() for job in jobs if not job.error)
        named = [
            replace(job, name=_with_suffix(job))
            if count[job.name.casefold()] > 1 and not job.error
            else job
            for job in jobs
        ]
        if named == jobs:
            return jobs
        jobs = named


def _with_suffix(job: Job) -> str:
    return posixpath.join(posixpath.dirname(job.name), Path(job.source).name)


def _refuse_collisions(jobs: Sequence[Job], output: Output) -> None:
    sources = {os.path.realpath(job.source): job for job in jobs if job.source != STDIN}
    real_folder = cache(os.path.realpath)  # a link in the place of an output is replaced itself
    owners: dict[str, Job] = {}
    for job in jobs:
        for path in [] if job.error else output.paths(job.name):
            other = owners.setdefault(str(path), job)
            if other is not job:
                raise OptionError(
                    f"{other.source} and {job.source} would be written to the same files; "
                    "do them in two runs with different -o."
                )
            if os.path.join(real_folder(path.parent), path.name) in sources:
                raise OptionError(f"{path} is an input of this run; choose another -o.")
