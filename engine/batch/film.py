"""One video from its file to its files: what a worker does with a task that is none of a photo."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.batch.guard import Guard
from engine.batch.plan import Task
from engine.batch.store import digest_at, open_store
from engine.errors import EngineError, OptionError, OutputError, PhotoError
from engine.files.writing import place_file
from engine.record import PhotoRecord, to_record
from engine.video.forms import FORMS
from engine.video.names import is_camera, is_sequence

if TYPE_CHECKING:
    from engine.batch.work import Worker
    from engine.video.parts import Parts


def do_video(worker: Worker, task: Task, before: PhotoRecord | None) -> PhotoRecord:
    """The record of a video. `before` is that of an earlier run, if there was one.

    Raises EngineError where it cannot be read, or its files not be written.
    """
    try:
        return _do(worker, task, before)
    except EngineError as error:
        if task.photo not in error.message and error.message.startswith("videos need"):
            raise PhotoError(f"{task.photo}: {error.message}") from error
        raise


def key_of(worker: Worker, task: Task) -> str:
    """Of a video's bytes and of all settings that decide what is made of it. Raises PhotoError."""
    options = asdict(worker.work.video)
    backdrop = worker.work.video.backdrop
    inputs = [_digest(path) for path in (task.photo, backdrop) if path]
    words = json.dumps([options, *inputs], sort_keys=True).encode()
    return hashlib.blake2b(worker.settings + words, digest_size=16).hexdigest()


def _digest(path: str) -> str:
    """Of a file, or of where a camera or a sequence is and of nothing in it."""
    if is_camera(path) or is_sequence(path):
        return path
    found = digest_at(open_store(path), path)
    if not found:
        exists = os.path.exists(path)
        raise PhotoError(f"{path}: {'cannot be read' if exists else 'no such file'}.")
    return found


def _do(worker: Worker, task: Task, before: PhotoRecord | None) -> PhotoRecord:
    from engine.video.make import check, make
    from engine.video.parts import Parts, parts_folder
    from engine.video.read import open_clip

    work, app, begun = worker.work, worker.cartoonifier, time.perf_counter()
    target, options = work.target, work.video
    check(target.options, options)
    if "://" in task.photo or "://" in target.folder:
        raise PhotoError(f"{task.photo}: videos are read and written on this machine only.")
    guard = worker.guard(task, before)
    guard.check()
    _refuse_pictures(target.paths(task.name, True), work.resume or target.overwrite)
    key = key_of(worker, task)
    if work.resume and before and before.key == key and guard.are_there():
        return replace(before, photo=task.photo, state="skipped")
    clip = open_clip(task.photo, app.max_megapixels, app.threads, options.fps or 0)
    where = Path(target.path(task.name))
    folder = parts_folder(where.parent, where.name)
    is_live = is_camera(task.photo)
    with Parts(folder, key, work.resume) as parts, _ctrl_c_ends(worker.stop, is_live):
        try:
            made = make(
                app, clip, parts, target.options, options,
                lambda done, total: _tell(worker, task, done, total),
                lambda: is_live and worker.stop.is_set(),
            )  # fmt: skip
        except EngineError as error:
            if is_live or isinstance(error, (OptionError, PhotoError)):
                parts.finish()  # another try would not go on, or end in the same way
            raise
        files = _place(parts, worker, task, guard)
        parts.finish()
    record = to_record(
        made.sample, task.photo, name=task.name, key=key, source=task.source, files=files,
        measure=work.measure, detail=work.detail,
    )  # fmt: skip
    took = {"video": round(1000 * (time.perf_counter() - begun), 3)}
    return replace(record, share=made.share, timings_ms=took, warnings=made.warnings)


@contextlib.contextmanager
def _ctrl_c_ends(stop: threading.Event, is_live: bool) -> Iterator[None]:
    """Of what would go on for ever, Ctrl-C and SIGTERM end the recording, and not the run."""
    if not is_live or threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(worker: Worker, task: Task, done: int, total: int) -> None:
    if worker.stop.is_set() and not is_camera(task.photo):
        raise KeyboardInterrupt
    worker.watch(task.photo, done, total)


def _refuse_pictures(paths: list[str], may_be_there: bool) -> None:
    """Raises OutputError when the first picture of a sequence exists."""
    for path in paths:
        if is_sequence(path) and not may_be_there and os.path.lexists(path % 1):
            raise OutputError(
                f"{path % 1}: exists already, and is kept.",
                option="overwrite",
                advice="{} replaces it.",
            )


def _place(parts: Parts, worker: Worker, task: Task, guard: Guard) -> dict[str, str]:
    """Gives all files their names, or none; the digest of each by its path below the folder."""
    target = worker.work.target
    files: dict[str, str] = {}
    created: list[str] = []
    try:
        for kind, file in zip(target.options.kinds, target.files(task.name, True), strict=True):
            for temporary, path in _made(parts, kind, target.path(file), target.form):
                digest = digest_at(open_store(path), str(temporary))
                decision = guard.decide(path, digest)
                if decision != "leave":
                    place_file(temporary, Path(path), overwrite=decision == "replace")
                if decision == "create":
                    created.append(path)
            files[file] = digest
    except BaseException:
        for path in created:
            open_store(path).remove(path)
        raise
    return files


def _made(parts: Parts, kind: str, path: str, form: str) -> Iterator[tuple[Path, str]]:
    """What was made of a kind, and where it belongs."""
    if FORMS[form].muxer:
        yield parts.joined(kind), path
        return
    number = 0
    for index in range(len(parts.segments)):
        for picture in sorted(parts.path(index, kind).iterdir()):
            number += 1
            yield picture, path % number
