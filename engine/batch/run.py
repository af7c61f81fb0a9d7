"""Many photos, several at a time; one that fails does not stop the rest."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.batch.journal import Journal, hash_file
from engine.batch.plan import STDIN, Job
from engine.errors import DiskFullError, EngineError, PhotoError
from engine.record import PhotoRecord, to_record
from engine.versions import __version__

if TYPE_CHECKING:
    from engine.batch.output import Output
    from engine.pipeline import Cartoonifier

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Batch:
    """How the jobs of a run are done."""

    cartoonifier: Cartoonifier
    output: Output
    measure: bool = True
    """Whether the records have metrics, which take time."""
    detail: bool = False
    """Whether they have thumbnails and histograms, for a report."""
    journal: Journal | None = None
    resume: bool = False
    """Leave what the journal says was done; what it says was begun may be replaced."""

    def run(self, jobs: Iterable[Job], workers: int = 1) -> Iterator[PhotoRecord]:
        """Does the jobs, `workers` at a time, and yields their records in the order of the jobs.

        Pictures are let go of once they are written: at most `workers` photos are in memory.
        Raises DiskFullError when there is no room for the next file: nothing else would go in.
        """
        if workers == 1:
            for job in jobs:
                yield self._do(job)
            return
        pool = ThreadPoolExecutor(workers, "photo")
        waiting: deque[Future[PhotoRecord]] = deque()
        try:
            for job in jobs:
                waiting.append(pool.submit(self._do, job))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _do(self, job: Job) -> PhotoRecord:
        try:
            return self._try(job)
        except DiskFullError as error:
            advice = "Make room, and continue with {}." if self.journal else ""
            raise DiskFullError(str(error), option="resume", advice=advice) from error
        except EngineError as error:
            failure = error
        except BrokenPipeError:
            raise
        except Exception as error:  # whatever it is, the other photos are still done
            log.debug("%s", job.source, exc_info=True)
            failure = EngineError(f"{job.source}: unexpected {error!r}")
        if self.journal and job.name:
            self.journal.fail(job.name, str(failure), failure.exit_code)
        return PhotoRecord.of_failure(job.source, job.name, failure)

    def _try(self, job: Job) -> PhotoRecord:
        if job.error:
            raise job.error
        if job.source == STDIN:
            return self._make(job, "")
        key = self._key(job.source) if self.journal else ""
        if self.resume and self.journal and self.journal.is_done(job.name, key):
            return replace(self.journal.records()[job.name], photo=job.source, state="skipped")
        return self._make(job, key)

    def _make(self, job: Job, key: str) -> PhotoRecord:
        ours: list[Path] = []
        source = os.path.realpath(job.source)
        if self.resume and self.journal:
            paths = self.output.paths(job.name)
            ours = [path for path in paths if self.journal.owns(job.name, path, source)]
        self.output.check(job.name, ours)
        if job.source == STDIN and sys.stdin is None:
            raise PhotoError("stdin: is closed.")
        photo = sys.stdin.buffer if job.source == STDIN else job.source
        result = self.cartoonifier(photo, name=job.name)
        if self.journal:
            self.journal.begin(job.name, key, self.output.paths(job.name), source)
        files = self.output.write(result, replace=bool(ours))
        record = to_record(
            result, job.source, key=key, files={str(path): "" for path in files},
            measure=self.measure, detail=self.detail,
        )  # fmt: skip
        if self.journal:
            self.journal.finish(job.name, key, record)
        return record

    def _key(self, source: str) -> str:
        try:
            return hash_file(source, self.settings)
        except FileNotFoundError:
            raise PhotoError(f"{source}: no such file.") from None
        except OSError as error:
            raise PhotoError(f"{source}: cannot be read: {error.strerror}.") from error

    @property
    def settings(self) -> str:
        """All that the pictures depend on besides the photo, as JSON."""
        return json.dumps(
            {
                "version": __version__,
                **self.cartoonifier.settings,
                "kinds": self.output.kinds,
                "format": self.output.format,
                "metadata": self.output.metadata,
            },
            sort_keys=True,
        )
