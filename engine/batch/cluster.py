"""A batch on a Ray cluster: the same pictures, byte for byte, by as many machines as there are.

Photos are listed and read, and pictures written, at any path or URL that fsspec knows; remote ones
need the package of their file system (s3fs, gcsfs, ...). Each actor of Ray Data holds one
Cartoonifier. A photo that cannot be done is a row, not a crash; a worker that dies is replaced, and
its photos are done again: the same files with the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import posixpath
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine import pipeline
from engine.batch.urls import exists, list_files, list_photos, read, write
from engine.errors import EngineError, OptionError, OutputError, PhotoError
from engine.options import MAX_MEGAPIXELS, CartoonOptions, CutoutOptions, SegmentOptions
from engine.record import PhotoRecord, parse
from engine.result import output_paths
from engine.versions import __version__
from engine.weights import find_model

JOURNAL = "journal.parquet"
"""A folder of Parquet files below the output folder; a later row of a name replaces an earlier."""
BATCH_SIZE = 4
ROWS_PER_FILE = 500
SECONDS_PER_FILE = 20.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What all workers have to know."""

    out: str
    model: str = "default"
    models: str | None = None
    kinds: tuple[str, ...] = ("cutout", "cartoon")
    format: str = "png"
    metadata: str = "copy-safe"
    segment: SegmentOptions = field(default_factory=SegmentOptions)
    cutout: CutoutOptions = field(default_factory=CutoutOptions)
    cartoon: CartoonOptions = field(default_factory=CartoonOptions)
    overwrite: bool = False
    resume: bool = False
    provider: str = "auto"
    max_megapixels: float = MAX_MEGAPIXELS
    detail: bool = False
    """Whether the records have thumbnails and histograms, for a report."""


def run(
    inputs: Sequence[str],
    plan: Plan,
    address: str = "local",
    actors: tuple[int, int] | None = None,
    recursive: bool = True,
) -> Iterator[dict[str, Any]]:
    """Does all pictures below the inputs, and yields a row for each as it is done.

    Parameters
    ----------
    inputs : paths or URLs of photos and folders
    address : "local" (a cluster of this machine alone), "auto", "host:port" or "ray://..."
    actors : the fewest and the most workers, one processor each; None for all that there are
    recursive : whether folders in folders are looked into, and mirrored

    Rows have "photo", "name", "state" (done, skipped or failed), "key", "error", "exit_code" and,
    as JSON, "record". They are also written to the journal, every few seconds. Closing the
    generator stops the job.

    Raises
    ------
    OptionError, ModelError
        Ray is not installed or not there, two photos have one name, or there is no such model.
    """
    plan = replace(plan, out=plan.out if "://" in plan.out else os.path.abspath(plan.out))
    if actors and min(actors) < 1:
        raise OptionError(f"jobs is {min(actors)}; it is at least 1.")
    find_model(plan.model, Path(plan.models) if plan.models else None)
    ray = _connect(address)
    try:
        before = _read_journal(plan.out) if plan.resume else {}
        there = list_files(plan.out)
        photos = list_photos(inputs, plan.out, recursive)
    except (ImportError, ValueError) as error:  # a file system's package, or its URLs
        raise OptionError(f"--ray: {error}") from error
    items, lost = [], []
    for url, name, problem in photos:
        if problem:
            lost.append(_failed(url, name, PhotoError(problem)))
            continue
        key, _, source = before.get(name, ("", "", ""))
        is_taken = not there.isdisjoint(_outputs(plan, name)) and source != url
        items.append({"photo": url, "name": name, "done_key": key, "is_taken": is_taken})
    yield from _write_journal(_chain(lost, _map(ray, items, plan, actors), before), plan.out)


def _map(
    ray: Any, items: list[dict[str, Any]], plan: Plan, actors: tuple[int, int] | None
) -> Iterator[dict[str, Any]]:
    if not items:
        return
    processors = int(ray.cluster_resources().get("CPU", 1))
    least, most = actors or (1, processors)
    blocks = min(len(items), max(most * 8, len(items) // 256))
    yield from (
        ray.data.from_items(items, override_num_blocks=blocks)
        .map_batches(
            _Worker,
            fn_constructor_args=(plan,),
            batch_size=BATCH_SIZE,
            compute=ray.data.ActorPoolStrategy(min_size=least, max_size=most),
            num_cpus=1,
        )
        .iter_rows()
    )


def _chain(
    lost: list[dict[str, Any]], rows: Iterator[dict[str, Any]], before: Before
) -> Iterator[dict[str, Any]]:
    """What cannot be done, then what was; of what was done before, the record is known."""
    yield from lost
    for row in rows:
        known = before[row["name"]][1] if row["state"] == "skipped" else row["record"]
        yield row | {"record": known}


class _Worker:
    """An actor: one Cartoonifier on one processor."""

    def __init__(self, plan: Plan) -> None:
        import cv2

        from engine import process

        process.prepare_imports()
        cv2.setNumThreads(1)
        self.plan = plan
        self.app = pipeline.load(
            plan.model, plan.provider, 1,
            segment=plan.segment, cutout=plan.cutout, cartoon=plan.cartoon,
            models=plan.models, max_megapixels=plan.max_megapixels,
        )  # fmt: skip
        process.own_process(1, 1, 1)
        output = {name: getattr(plan, name) for name in ("kinds", "format", "metadata")}
        self.settings = json.dumps({"version": __version__, **self.app.settings, **output})

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        columns = ("photo", "name", "done_key", "is_taken")
        rows = [
            self._do(str(url), str(name), str(key), bool(is_taken))
            for url, name, key, is_taken in zip(*(batch[c] for c in columns), strict=True)
        ]
        return {column: [row[column] for row in rows] for column in rows[0]}

    def _do(self, url: str, name: str, done_key: str, is_taken: bool) -> dict[str, Any]:
        try:
            data = read(url)
            key = hashlib.blake2b(self.settings.encode() + data, digest_size=16).hexdigest()
            paths = _outputs(self.plan, name)
            row = {"photo": url, "name": name, "key": key, "error": "", "exit_code": 0}
            if key == done_key and all(map(exists, paths)):
                return row | {"state": "skipped", "record": ""}
            is_taken = is_taken and not self.plan.overwrite
            if is_taken and not self.plan.resume:
                raise OutputError(f"{paths[0]}: exists already, and is kept.")
            record = self._make(url, name, data, paths, is_taken)
            return row | {"state": "done", "record": record}
        except EngineError as error:
            return _failed(url, name, error)
        except Exception as error:  # whatever it is, the other photos are still done
            log.debug("%s", url, exc_info=True)
            return _failed(url, name, EngineError(f"{url}: unexpected {error!r}"))

    def _make(self, url: str, name: str, data: bytes, paths: list[str], is_taken: bool) -> str:
        """Files that stand there already have to be the same, as after a lost journal."""
        from engine.record import to_record

        try:
            result = self.app(data, name=name)
        except PhotoError as error:
            raise PhotoError(str(error).replace("bytes", url, 1)) from error
        for kind, path in zip(self.plan.kinds, paths, strict=True):
            suffix = path.rpartition(".")[2]
            picture = result.encode(kind, suffix, self.plan.metadata)
            if is_taken and exists(path) and read(path) != picture:
                raise OutputError(f"{path}: exists already, and is kept.")
            write(path, picture)
        files = dict.fromkeys(paths, "")
        return to_record(result, url, files=files, detail=self.plan.detail).to_json()


def to_record_of(row: dict[str, Any]) -> PhotoRecord:
    """A row as a record."""
    if row["error"]:
        return PhotoRecord(
            photo=row["photo"], name=row["name"], state="failed", error=row["error"],
            exit_code=row["exit_code"],
        )  # fmt: skip
    return replace(parse(row["record"]), state=row["state"], key=row["key"])


def _connect(address: str) -> Any:
    try:
        import fsspec  # noqa: F401
        import ray
        import ray.data
    except ImportError as error:
        raise OptionError(f"--ray: {error}. pip install 'cartoonify-engine[ray]'") from None
    if not ray.is_initialized():
        try:
            ray.init(
                None if address == "local" else address,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise OptionError(f"--ray {address}: no cluster there ({error}).") from error
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray").setLevel(logging.ERROR)
    return ray


def _failed(url: str, name: str, error: EngineError) -> dict[str, Any]:
    return {
        "photo": url, "name": name, "state": "failed", "key": "", "error": str(error),
        "exit_code": error.exit_code, "record": "",
    }  # fmt: skip


def _outputs(plan: Plan, name: str) -> list[str]:
    """URLs of a photo's pictures, in the order of the kinds."""
    paths = output_paths(Path("."), name, plan.kinds, plan.format)
    return [posixpath.join(plan.out, path.as_posix()) for path in paths]


def _write_journal(rows: Iterator[dict[str, Any]], out: str) -> Iterator[dict[str, Any]]:
    waiting: list[dict[str, Any]] = []
    run_name, parts, last = uuid.uuid4().hex[:12], 0, time.monotonic()
    try:
        for row in rows:
            yield row
            waiting.append(row)
            if len(waiting) >= ROWS_PER_FILE or time.monotonic() - last > SECONDS_PER_FILE:
                _write_part(waiting, out, run_name, parts)
                waiting, parts, last = [], parts + 1, time.monotonic()
    finally:
        if waiting:
            _write_part(waiting, out, run_name, parts)


def _write_part(rows: list[dict[str, Any]], out: str, run_name: str, part: int) -> None:
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.Table.from_pylist([{**row, "time": time.time()} for row in rows])
    buffer = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table, buffer)
    write(posixpath.join(out, JOURNAL, f"{run_name}-{part:06d}.parquet"), bytes(buffer.getvalue()))


Before = dict[str, tuple[str, str, str]]


def _read_journal(out: str) -> Before:
    """Key, record and photo of each name that was done."""
    import fsspec
    import pyarrow.parquet

    files, folder = fsspec.core.url_to_fs(posixpath.join(out, JOURNAL))
    rows: list[dict[str, Any]] = []
    for path in files.find(folder):
        if posixpath.basename(path).startswith(".") or not path.endswith(".parquet"):
            continue
        try:
            with files.open(path) as file:
                rows += pyarrow.parquet.read_table(file).to_pylist()
        except pyarrow.ArrowInvalid as error:
            log.warning("%s: damaged, its photos are done again (%s)", path, error)
    done: Before = {}
    for row in sorted(rows, key=lambda row: float(row["time"])):
        if row["state"] != "failed":
            record = row["record"] or done.get(row["name"], ("", "", ""))[1]
            done[row["name"]] = (row["key"], record, row["photo"])
    return done
