"""Photos as they arrive in folders."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from engine.batch.plan import Job, plan_jobs
from engine.errors import OptionError

if TYPE_CHECKING:
    from engine.batch.output import Output

INTERVAL_S = 1.0
SHARE = 0.1
"""At most this share of the time is spent on listing large folders."""

Stamp = tuple[int, int]

log = logging.getLogger(__name__)


def new_jobs(
    inputs: Sequence[str], output: Output, recursive: bool, interval: float = INTERVAL_S
) -> Iterator[list[Job]]:
    """First the photos that are there, then, again and again, those that came or changed.

    A photo is taken when its size and time have stayed the same for an interval: copies that are
    under way are waited for. Folders are listed, which works on any file system.
    """
    done: dict[str, Stamp] = {}
    before: dict[str, Stamp] = {}
    while True:
        start = time.monotonic()
        jobs = _list(inputs, output, recursive)
        now = {job.source: stamp for job in jobs if (stamp := _stamp(job.source))}
        ready = [
            job for job in jobs
            if (stamp := now.get(job.source)) and before.get(job.source) == stamp
            and done.get(job.source) != stamp
        ]  # fmt: skip
        before = now
        if ready:
            done.update({job.source: now[job.source] for job in ready})
            yield ready
        time.sleep(max(interval, (time.monotonic() - start) / SHARE if not ready else interval))


def _list(inputs: Sequence[str], output: Output, recursive: bool) -> list[Job]:
    try:
        return [job for job in plan_jobs(inputs, output, recursive) if not job.error]
    except OptionError as error:  # it may be put right while we watch
        log.warning("%s", error)
        return []


def _stamp(path: str) -> Stamp | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
