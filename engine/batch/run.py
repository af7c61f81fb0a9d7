"""Many photos on this machine, several at a time; one that fails does not stop the rest."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from engine.batch.budget import Budget, cost_of, find_budget
from engine.batch.journal import Journal
from engine.batch.plan import Task
from engine.batch.work import Worker
from engine.record import PhotoRecord


def run_here(
    tasks: Iterable[Task], worker: Worker, journal: Journal | None = None, at_a_time: int = 1
) -> Iterator[PhotoRecord]:
    """Does the tasks, and yields their records in the order of the tasks.

    At most `at_a_time` photos are in memory, and fewer when they are large. Records are written
    to the journal as soon as they are there. Raises DiskFullError.
    """
    budget = Budget(find_budget())
    most = worker.cartoonifier.max_megapixels

    def do(task: Task) -> PhotoRecord:
        before = journal.find(task.name) if journal else None
        if at_a_time == 1:
            return note(worker.do(task, before), journal)
        with budget.take(cost_of(task.photo, most)):
            return note(worker.do(task, before), journal)

    if at_a_time == 1:
        yield from map(do, tasks)
        return
    pool = ThreadPoolExecutor(at_a_time, "photo")
    waiting: deque[Future[PhotoRecord]] = deque()
    worker.stop.clear()
    try:
        for task in tasks:
            waiting.append(pool.submit(do, task))
            if len(waiting) > 2 * at_a_time:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        worker.stop.set()
        pool.shutdown(cancel_futures=True)


def note(record: PhotoRecord, journal: Journal | None) -> PhotoRecord:
    """Writes what is new to the journal; of what was done before, it gives all that is known."""
    if journal and record.state == "skipped":
        known = journal.find(record.name)
        return replace(known, photo=record.photo, state="skipped") if known else record
    if journal and record.name:
        journal.append(record)
    return record
