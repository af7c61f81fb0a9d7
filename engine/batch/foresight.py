"""What a run would do with a photo, without doing it."""

from __future__ import annotations

from collections.abc import Callable

from engine.batch.guard import Guard
from engine.batch.listing import STDIN
from engine.batch.plan import Task
from engine.batch.store import open_store
from engine.batch.target import Target
from engine.batch.work import Worker
from engine.errors import EngineError
from engine.record import PhotoRecord
from engine.video.names import is_sequence


def foresee(
    task: Task,
    target: Target,
    worker: Worker | None,
    find: Callable[[str], PhotoRecord | None],
) -> tuple[str, str]:
    """ "done", "skipped", "kept" (a file is there, and would not be replaced) or "failed"; and why.

    `worker` is needed where a run is resumed, to know whether a photo is still the same.
    """
    if task.problem:
        return "failed", str(task.problem)
    try:
        before = find(task.name)
        if worker and worker.is_done(task, before):
            return "skipped", ""
        is_one = task.photo != STDIN and not is_sequence(task.photo)
        if is_one and not open_store(task.photo).exists(task.photo):
            return "failed", f"{task.photo}: no such file."
        paths = target.paths(task.name, task.is_video)
        plain = Guard(paths, target.overwrite, resume=False, known={})
        kept = (worker.guard(task, before) if worker else plain).foresee()
    except EngineError as error:
        return "failed", str(error)
    return ("kept", f"{kept} exists already") if kept else ("done", "")
