"""Photos as they arrive in folders."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator

from engine.batch.plan import Task
from engine.errors import OptionError

INTERVAL_S = 1.0
SHARE = 0.1
"""At most this share of the time is spent on listing large folders."""

Stamp = tuple[int, int]

log = logging.getLogger(__name__)


def new_tasks(plan: Callable[[], list[Task]], interval: float = INTERVAL_S) -> Iterator[list[Task]]:
    """First the photos that `plan` finds, then, again and again, those that came or changed.

    A photo is taken when its size and time have stayed the same for an interval: copies that are
    under way are waited for. Folders are listed, which works on any file system.
    """
    done: dict[str, Stamp] = {}
    before: dict[str, Stamp] = {}
    while True:
        start = time.monotonic()
        tasks = _try(plan)
        now = {task.photo: stamp for task in tasks if (stamp := _stamp(task.photo))}
        ready = [
            task for task in tasks
            if (stamp := now.get(task.photo)) and before.get(task.photo) == stamp
            and done.get(task.photo) != stamp
        ]  # fmt: skip
        before = now
        if ready:
            done.update({task.photo: now[task.photo] for task in ready})
            yield ready
        time.sleep(max(interval, (time.monotonic() - start) / SHARE if not ready else interval))


def _try(plan: Callable[[], list[Task]]) -> list[Task]:
    try:
        return [task for task in plan() if not task.problem]
    except OptionError as error:  # it may be put right while we watch
        log.warning("%s", error)
        return []


def _stamp(path: str) -> Stamp | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
