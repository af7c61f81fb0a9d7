"""The same work on a Ray cluster: each actor of Ray Data is a worker on one processor.

Photos and pictures have to be where all machines see them: a shared folder, or URLs. A worker that
dies is replaced, and its photos are done again: the same files with the same bytes.
"""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from engine.batch.guard import Guard
from engine.batch.journal import Journal
from engine.batch.plan import Task
from engine.batch.run import note
from engine.batch.work import Recipe, Work, Worker
from engine.errors import DiskFullError, EngineError, ModelError, OptionError, ProviderError
from engine.record import PhotoRecord, parse
from engine.versions import how_to_install

BATCH_SIZE = 4
WINDOW = 50_000
"""Tasks that Ray knows of at a time: the driver's memory does not grow with their number."""
MEMORY = 1_600_000_000
"""Bytes that a worker asks the cluster for: enough for a photo of 48 megapixels."""

_KINDS = {kind.exit_code: kind for kind in (OptionError, ModelError, ProviderError)}


def run_on_ray(
    tasks: Iterable[Task],
    recipe: Recipe,
    work: Work,
    journal: Journal | None = None,
    address: str = "local",
    workers: int | None = None,
) -> Iterator[PhotoRecord]:
    """Does the tasks, and yields their records as they are done.

    Parameters
    ----------
    address : "local" (a cluster of this machine alone), "auto", "host:port" or "ray://..."
    workers : how many; None for as many as there are processors, as long as there is work

    Closing the generator stops the job.

    Raises
    ------
    OptionError, ModelError, ProviderError
        Ray is not installed or not there, or a worker cannot load what it needs.
    DiskFullError
        There is no room for a picture.
    """
    if workers is not None and workers < 1:
        raise OptionError(f"jobs is {workers}; it is at least 1.")
    target = replace(work.target, folder=_everywhere(work.target.folder))
    work = replace(work, target=target)
    recipe = replace(recipe, like=_everywhere(recipe.like))
    ray = _connect(address)
    remaining = iter(tasks)
    while window := list(itertools.islice(remaining, WINDOW)):
        yield from _run_window(ray, window, recipe, work, journal, workers)


def _run_window(
    ray: Any,
    tasks: list[Task],
    recipe: Recipe,
    work: Work,
    journal: Journal | None,
    workers: int | None,
) -> Iterator[PhotoRecord]:
    problems = [_find_problem(task, work) for task in tasks]
    for task, problem in zip(tasks, problems, strict=True):
        if problem:
            failure = PhotoRecord.of_failure(task.photo, task.name, problem, task.source)
            yield note(failure, journal)
    doable = [task for task, problem in zip(tasks, problems, strict=True) if not problem]
    items = [_to_item(task, journal if work.resume else None) for task in doable]
    # Photos of a worker that died are done again, and find the files that it wrote.
    work = replace(work, resume=True)
    try:
        for row in _map(ray, items, recipe, work, workers):
            record = parse(row["record"])
            if row["is_fatal"]:
                kind = (
                    DiskFullError if row["is_full"] else _KINDS.get(record.exit_code, EngineError)
                )
                raise kind(record.error, option=record.option, advice=record.advice)
            yield note(record, journal)
    except ray.exceptions.RayError as error:
        reason = str(error).strip().splitlines()[-1] if str(error).strip() else repr(error)
        raise EngineError(f"the cluster failed: {reason}") from error


def _find_problem(task: Task, work: Work) -> EngineError | None:
    """Why a task is not given to a worker, among it a file that is there before the run."""
    if task.problem:
        return task.problem
    try:
        paths = work.target.paths(task.name, task.is_video)
        Guard(paths, work.target.overwrite, work.resume, {}).check()
    except EngineError as error:
        return error
    return None


def _to_item(task: Task, journal: Journal | None) -> dict[str, str]:
    before = journal.find(task.name) if journal else None
    light = replace(before, thumbnails={}, histograms={}) if before else None
    return {
        "photo": _everywhere(task.photo),
        "given": task.photo,
        "name": task.name,
        "source": task.source,
        "before": light.to_json() if light else "",
    }


def _map(
    ray: Any, items: list[dict[str, str]], recipe: Recipe, work: Work, workers: int | None
) -> Iterator[dict[str, Any]]:
    if not items:
        return
    processors = max(1, int(ray.cluster_resources().get("CPU", 1)))
    least, most = (workers, workers) if workers else (1, processors)
    blocks = min(len(items), max(most * 8, len(items) // 256))
    memory = min(MEMORY, ray.cluster_resources().get("memory", MEMORY) / 2)
    yield from (
        ray.data.from_items(items, override_num_blocks=blocks)
        .map_batches(
            _Actor,
            fn_constructor_args=(recipe, work),
            batch_size=BATCH_SIZE,
            compute=ray.data.ActorPoolStrategy(min_size=least, max_size=most),
            num_cpus=1,
            memory=memory,
        )
        .iter_rows()
    )


class _Actor:
    """One worker on one processor. What it cannot load is told by its rows."""

    def __init__(self, recipe: Recipe, work: Work) -> None:
        import cv2

        from engine import process

        process.prepare_imports()
        cv2.setNumThreads(1)
        self._worker: Worker | None = None
        self._failure: EngineError | None = None
        try:
            self._worker = Worker(recipe.load(threads=1), work)
        except EngineError as error:
            self._failure = error
        process.own_process(1, 1, 1)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        columns = ("photo", "given", "name", "source", "before")
        rows = [self._do(*map(str, row)) for row in zip(*(batch[c] for c in columns), strict=True)]
        return {column: [row[column] for row in rows] for column in rows[0]}

    def _do(self, photo: str, given: str, name: str, source: str, before: str) -> dict[str, Any]:
        try:
            if self._worker is None:
                raise self._failure or ModelError("no model is loaded.")
            is_video = self._worker.work.target.is_video(photo)
            task = Task(photo, name, source, is_video=is_video)
            record = self._worker.do(task, parse(before) if before else None)
            failure = None
        except EngineError as error:
            record, failure = PhotoRecord.of_failure(given, name, error, source), error
        return {
            "record": replace(record, photo=given).to_json(),
            "is_fatal": failure is not None,
            "is_full": isinstance(failure, DiskFullError),
        }


def _everywhere(path: str) -> str:
    """A path that means the same in the workers' folders."""
    return path if not path or "://" in path else os.path.abspath(path)


def _connect(address: str) -> Any:
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise OptionError(f"Ray is missing ({error}): {how_to_install('ray')}.") from None
    if not ray.is_initialized():
        # What matters comes as a record or an error; the rest is Ray talking of itself.
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
        try:
            ray.init(
                None if address == "local" else address,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise OptionError(f"{address}: there is no cluster ({error}).", option="ray") from error
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return ray
