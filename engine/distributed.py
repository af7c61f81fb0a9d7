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
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import engine
from engine.errors import EngineError, OptionError, OutputError, PhotoError
from engine.images import SUFFIXES, write_file
from engine.options import CartoonOptions, CutoutOptions, SegmentOptions
from engine.result import KINDS, output_paths

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
    recursive : whether folders in folders are looked into, and mirrored
    actors : the fewest and the most workers, one processor each; None for all that there are

    Rows have "photo", "name", "state" (done, skipped or failed), "key", "error" and, as JSON,
    "record". They are also written to the journal, every few seconds. Closing the generator stops
    the job.

    Raises
    ------
    OptionError
        Ray is not installed or not there, or two photos have one name.
    """
    plan = replace(plan, out=plan.out if "://" in plan.out else os.path.abspath(plan.out))
    ray = _connect(address)
    before = _read_journal(plan.out) if plan.resume else {}
    there = _list_files(plan.out)
    items = [
        {
            "photo": url,
            "name": name,
            "done_key": before.get(name, ("", ""))[0],
            "is_taken": not there.isdisjoint(_outputs(plan, name)) and name not in before,
        }
        for url, name in list_photos(inputs, plan.out, recursive)
    ]
    if not items:
        raise OptionError(f"{', '.join(inputs)}: no pictures there.")
    processors = int(ray.cluster_resources().get("CPU", 1))
    least, most = actors or (1, processors)
    blocks = min(len(items), max(most * 8, len(items) // 256))
    rows = (
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
    for row in _write_journal(rows, plan.out):
        known = before[row["name"]][1] if row["state"] == "skipped" else row["record"]
        yield row | {"record": known}


def list_photos(inputs: Sequence[str], out: str, recursive: bool = True) -> list[tuple[str, str]]:
    """The URL and name (path below `out`, without kind and suffix) of each picture, sorted.

    Hidden files, outputs of earlier runs and all below `out` are left out; photos of one stem are
    told apart by their suffix. Raises OptionError when two have one name even so.
    """
    import fsspec

    found: dict[str, str] = {}
    own = fsspec.core.url_to_fs(out)[1].rstrip("/") + "/"
    for given in inputs:
        files, root = fsspec.core.url_to_fs(given)
        paths = (
            [root]
            if files.isfile(root)
            else sorted(files.find(root, maxdepth=None if recursive else 1))
        )
        top = posixpath.dirname(root) if files.isfile(root) else root
        below = [posixpath.relpath(p, top) for p in paths if not p.startswith(own)]
        names = _name_photos([path for path in below if _is_photo(path)])
        for path, name in names.items():
            if name in found:
                raise OptionError(f"{name}: two photos would be written to the same files.")
            found[name] = files.unstrip_protocol(posixpath.join(top, path))
    return sorted((url, name) for name, url in found.items())


class _Worker:
    """An actor: one Cartoonifier on one processor."""

    def __init__(self, plan: Plan) -> None:
        import cv2

        from engine import process

        process.prepare_imports()
        cv2.setNumThreads(1)
        self.plan = plan
        self.app = engine.load(
            plan.model, "auto", 1, segment=plan.segment, cutout=plan.cutout, cartoon=plan.cartoon,
            models=plan.models,
        )  # fmt: skip
        process.own_process(1, 1, 1)
        settings = {**asdict(plan), "sha256": self.app.model.sha256, "version": engine.__version__}
        for name in ("out", "overwrite", "resume", "detail"):
            del settings[name]
        self.settings = json.dumps({**settings, "backdrop": self.app.backdrop_digest})

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        columns = ("photo", "name", "done_key", "is_taken")
        rows = [
            self._do(str(url), str(name), str(key), bool(is_taken))
            for url, name, key, is_taken in zip(*(batch[c] for c in columns), strict=True)
        ]
        return {column: [row[column] for row in rows] for column in rows[0]}

    def _do(self, url: str, name: str, done_key: str, is_taken: bool) -> dict[str, Any]:
        row = {"photo": url, "name": name, "state": "failed", "key": "", "error": "", "record": ""}
        try:
            data = _read(url)
            key = hashlib.blake2b(self.settings.encode() + data, digest_size=16).hexdigest()
            paths = _outputs(self.plan, name)
            if key == done_key and all(map(_exists, paths)):
                return row | {"state": "skipped", "key": key}
            is_taken = is_taken and not self.plan.overwrite
            if is_taken and not self.plan.resume:
                raise OutputError(f"{paths[0]}: exists already, and is kept.")
            record = self._make(url, name, data, paths, is_taken)
            row |= {"key": key, "state": "done", "record": record}
        except EngineError as error:
            row |= {"state": "failed", "error": str(error)}
        except Exception as error:  # whatever it is, the other photos are still done
            log.debug("%s", url, exc_info=True)
            row |= {"state": "failed", "error": f"{url}: unexpected {error!r}"}
        return row

    def _make(self, url: str, name: str, data: bytes, paths: list[str], is_taken: bool) -> str:
        """Files that stand there already have to be the same, as after a lost journal."""
        from engine.record import to_record

        try:
            result = self.app(data)
        except PhotoError as error:
            raise PhotoError(str(error).replace("bytes", url, 1)) from error
        result.name = posixpath.basename(name)
        for kind, path in zip(self.plan.kinds, paths, strict=True):
            suffix = path.rpartition(".")[2]
            picture = result.encode(kind, suffix, self.plan.metadata)
            if is_taken and _exists(path) and _read(path) != picture:
                raise OutputError(f"{path}: exists already, and is kept.")
            _write(path, picture)
        record = to_record(result, url, map(Path, paths), measure=True, detail=self.plan.detail)
        return json.dumps(record, ensure_ascii=False)


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


def _is_photo(path: str) -> bool:
    hidden = any(part.startswith(".") for part in PurePosixPath(path).parts)
    return not hidden and PurePosixPath(path).suffix.lower() in SUFFIXES


def _name_photos(paths: Sequence[str]) -> dict[str, str]:
    """Path to name, for all photos that are no outputs of others."""
    stems = {path.rpartition(".")[0] for path in paths} | set(paths)
    photos = []
    for path in paths:
        photo, _, kind = path.rpartition(".")[0].rpartition("_")
        if not (kind in KINDS and photo in stems):
            photos.append(path)
    count = Counter(path.rpartition(".")[0].casefold() for path in photos)
    return {
        path: path if count[path.rpartition(".")[0].casefold()] > 1 else path.rpartition(".")[0]
        for path in photos
    }


def _outputs(plan: Plan, name: str) -> list[str]:
    """URLs of a photo's pictures, in the order of the kinds."""
    paths = output_paths(Path("."), name, plan.kinds, plan.format)
    return [posixpath.join(plan.out, path.as_posix()) for path in paths]


def _read(url: str) -> bytes:
    import fsspec

    files, path = fsspec.core.url_to_fs(url)
    try:
        return bytes(files.cat_file(path))
    except FileNotFoundError:
        raise PhotoError(f"{url}: no such file.") from None
    except OSError as error:
        raise PhotoError(f"{url}: cannot be read: {error}.") from error


def _list_files(out: str) -> set[str]:
    import fsspec

    files, root = fsspec.core.url_to_fs(out)
    return {posixpath.join(out, posixpath.relpath(path, root)) for path in files.find(root)}


def _exists(url: str) -> bool:
    import fsspec

    files, path = fsspec.core.url_to_fs(url)
    return bool(files.exists(path))


def _write(url: str, data: bytes) -> None:
    """Whole or not at all: renamed where that is needed, at once where the store does it so."""
    import fsspec

    files, path = fsspec.core.url_to_fs(url)
    if "file" in files.protocol:
        write_file(data, Path(path), overwrite=True)
    else:
        files.pipe_file(path, data)


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
    _write(posixpath.join(out, JOURNAL, f"{run_name}-{part:06d}.parquet"), bytes(buffer.getvalue()))


def _read_journal(out: str) -> dict[str, tuple[str, str]]:
    """The key and the record of each photo that was done, by its name."""
    import fsspec
    import pyarrow.parquet

    files, folder = fsspec.core.url_to_fs(posixpath.join(out, JOURNAL))
    rows: list[dict[str, Any]] = []
    for path in files.find(folder):
        with files.open(path) as file:
            table = pyarrow.parquet.read_table(
                file, columns=["name", "state", "key", "record", "time"]
            )
        rows += table.to_pylist()
    rows.sort(key=lambda row: float(row["time"]))
    done: dict[str, tuple[str, str]] = {}
    for row in rows:
        _, record = done.get(row["name"], ("", ""))
        key = row["key"] if row["state"] != "failed" else ""
        done[row["name"]] = (key, row["record"] or record)
    return done
