"""One photo from its file to its pictures: what threads and clusters alike call for each task."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from engine.batch.guard import Guard
from engine.batch.listing import STDIN
from engine.batch.plan import Task
from engine.batch.store import digest, open_store
from engine.batch.target import Target, write_to_stdout
from engine.errors import DiskFullError, EngineError, OptionError, PhotoError
from engine.options import (
    MAX_MEGAPIXELS,
    OWN_FORMATS,
    CartoonOptions,
    CutoutOptions,
    SegmentOptions,
)
from engine.record import PhotoRecord, to_record
from engine.strips import at_once
from engine.versions import __version__
from engine.video.names import begins_like_video
from engine.video.options import VideoOptions

if TYPE_CHECKING:
    from engine.pipeline import Cartoonifier
    from engine.result import Result

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """What a Cartoonifier is loaded from, wherever the work is done; see `engine.load`."""

    model: str = "default"
    provider: str = "auto"
    models: str | None = None
    segment: SegmentOptions = field(default_factory=SegmentOptions)
    cutout: CutoutOptions = field(default_factory=CutoutOptions)
    cartoon: CartoonOptions = field(default_factory=CartoonOptions)
    like: str = ""
    """A palette's JSON file, or a photo, in whose colours all are drawn: a path or URL. Empty: each
    in its own."""
    max_megapixels: float = MAX_MEGAPIXELS

    def load(self, threads: int | None) -> Cartoonifier:
        """Raises OptionError, ModelError, ProviderError."""
        from engine import pipeline

        app = pipeline.load(
            self.model, self.provider, threads,
            segment=self.segment, cutout=self.cutout, cartoon=self.cartoon,
            max_megapixels=self.max_megapixels, models=self.models,
        )  # fmt: skip
        if not self.like:
            return app
        from engine.batch.like import find_palette

        return app.replace(cartoon=replace(self.cartoon, palette=find_palette(self.like, app)))


@dataclass(frozen=True)
class Work:
    """What becomes of each photo's result."""

    target: Target
    resume: bool = False
    """Leave what was done before; replace only files that an earlier run made."""
    measure: bool = True
    """Whether the records have metrics, which take time."""
    detail: bool = False
    """Whether they have thumbnails and histograms, for a report."""
    video: VideoOptions = field(default_factory=VideoOptions)
    """Which part of videos is made, and as what."""


@dataclass(frozen=True)
class Worker:
    """Does tasks; safe to call from several threads."""

    cartoonifier: Cartoonifier
    work: Work
    watch: Callable[[str, int, int], None] = lambda video, done, total: None
    """Is told of a video how many of how many frames are drawn."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Ends the videos that are under way, as Ctrl-C does."""

    def do(self, task: Task, before: PhotoRecord | None = None) -> PhotoRecord:
        """The task's record. `before` is that of an earlier run, if there was one.

        Raises DiskFullError when there is no room for a picture: there would be none for others.
        """
        try:
            if task.problem:
                raise task.problem
            if task.is_video:
                from engine.batch.film import do_video

                return do_video(self, task, before)
            return self._try(task, before)
        except DiskFullError as error:
            advice = "Make room, and continue with {}."
            raise DiskFullError(error.message, option="resume", advice=advice) from error
        except EngineError as error:
            failure = error
        except BrokenPipeError:
            raise
        except MemoryError:
            failure = PhotoError(f"{task.photo}: not enough memory.")
        except Exception as error:  # whatever it is, the other photos are still done
            log.debug("%s", task.photo, exc_info=True)
            failure = EngineError(f"{task.photo}: unexpected {error!r}")
        return PhotoRecord.of_failure(task.photo, task.name, failure, task.source)

    def is_done(self, task: Task, before: PhotoRecord | None) -> bool:
        """Whether an earlier run did the task, and all is as it was. Raises PhotoError."""
        if task.is_video:
            from engine.batch.film import key_of

            key = key_of(self, task)
        else:
            key = self._key(self._read(task.photo))
        return before is not None and before.key == key and self.guard(task, before).are_there()

    def guard(self, task: Task, before: PhotoRecord | None) -> Guard:
        """Over the task's pictures. `before` is that of an earlier run, if there was one."""
        target = self.work.target
        is_mine = before and before.source == task.source
        made = zip(before.files, before.digests, strict=True) if before and is_mine else ()
        known = {target.path(file): digest for file, digest in made}
        paths = target.paths(task.name, task.is_video)
        return Guard(paths, target.overwrite, self.work.resume, known)

    def _try(self, task: Task, before: PhotoRecord | None) -> PhotoRecord:
        if self.work.video.backdrop:
            raise OptionError(f"{self.work.video.backdrop}: a video lies behind videos only.")
        guard = self.guard(task, before)
        guard.check()
        data = self._read(task.photo)
        key = self._key(data)
        if self.work.resume and before and before.key == key and guard.are_there():
            return replace(before, photo=task.photo, state="skipped")
        file = io.BytesIO(data)
        file.name = task.photo  # by which errors call it
        result = self.cartoonifier(file, name=task.name)
        files = self._write(result, task, guard)
        return to_record(
            result, task.photo, name=task.name, key=key, source=task.source, files=files,
            measure=self.work.measure, detail=self.work.detail,
        )  # fmt: skip

    def _key(self, data: bytes) -> str:
        """Of a photo's bytes, and of all settings that decide the pictures."""
        return hashlib.blake2b(self.settings + data, digest_size=16).hexdigest()

    def _read(self, photo: str) -> bytes:
        most = self.cartoonifier.max_megapixels
        if photo != STDIN:
            return open_store(photo).read(photo, most)
        if sys.stdin is None:
            raise PhotoError("stdin: is closed.")
        from engine.files.sources import open_source

        with open_source(sys.stdin.buffer, "stdin", most) as file:
            data = file.read()
        if begins_like_video(data):
            raise PhotoError("stdin: a video is read from a file only. Save it first.")
        return data

    def _write(self, result: Result, task: Task, guard: Guard) -> dict[str, str]:
        """Writes all pictures or none; the digest of each by its path below the folder."""
        target = self.work.target
        if target.is_stdout:
            for data in self._encode(result):
                write_to_stdout(data)
            return {}
        files: dict[str, str] = {}
        created: list[str] = []
        try:
            for file, data in zip(target.files(task.name), self._encode(result), strict=True):
                path, files[file] = target.path(file), digest(data)
                decision = guard.decide(path, files[file])
                if decision != "leave":
                    open_store(path).write(path, data, overwrite=decision == "replace")
                if decision == "create":
                    created.append(path)
        except BaseException:
            for path in created:
                open_store(path).remove(path)
            raise
        return files

    def _encode(self, result: Result) -> Iterator[bytes]:
        options = self.work.target.options
        calls = [
            lambda k=kind: result.encode(
                k, "png" if k in OWN_FORMATS else options.format, options.metadata,
                quality=options.quality, crop=options.crop, size=options.size,
            )
            for kind in options.kinds
        ]  # fmt: skip
        return at_once(calls, result.threads)

    @cached_property
    def settings(self) -> bytes:
        """All that the pictures depend on besides the photo, as JSON."""
        everything = {
            "version": __version__,
            **self.cartoonifier.settings,
            "output": asdict(self.work.target.options),
        }
        return json.dumps(everything, sort_keys=True).encode()
