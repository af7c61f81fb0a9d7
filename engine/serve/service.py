"""What a running service holds, and what it does for a request."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace

from engine.batch.budget import BYTES_PER_PIXEL, find_budget
from engine.cartoon.colours import Palette
from engine.errors import EngineError, OptionError, PhotoError
from engine.files.photos import peek_size, read_photo
from engine.found import Found
from engine.options import STYLES, CartoonOptions, SegmentOptions
from engine.pipeline import Cartoonifier, load
from engine.process import share_threads
from engine.serve import answers
from engine.serve.answers import Answer
from engine.serve.desk import Desk
from engine.serve.kept import KeptPhotos
from engine.serve.logs import log
from engine.serve.measures import Measures
from engine.serve.options import ServeOptions
from engine.serve.parameters import Asked
from engine.serve.problems import Problem
from engine.serve.uploads import Body, Intake, Upload

Check = Callable[[], None]
SWEEP_S = 10.0
"""How often photos that nobody used are looked for."""
RETRY_S = 10.0
"""After a model that could not be loaded."""


class Service:
    """A loaded model, the desk, the photos that are kept, and the counters."""

    def __init__(self, options: ServeOptions, app: Cartoonifier | None = None) -> None:
        self.options, self.measures = options, Measures()
        self._app, self._is_mine, self._is_warm = app, app is None, False
        self._tasks: list[asyncio.Task[None]] = []
        workers, self._threads = share_threads(options.threads, options.jobs)
        self.intake = Intake(int(options.max_megabytes * 1e6), options.stall_seconds)
        kept_bytes = options.kept_megabytes * 1e6
        self.kept = KeptPhotos(60 * options.kept_minutes, kept_bytes, options.kept_photos)
        free = find_budget()
        self.desk = Desk(
            workers, options.queue, max(free - kept_bytes - self.intake.room, free / 4),
            options.request_seconds, options.client_requests,
        )  # fmt: skip
        watch = self.measures.watch
        watch("in_flight", "Photos in work.", lambda: self.desk.in_flight)
        watch("queue", "Requests that wait for a worker.", lambda: self.desk.waiting)
        watch("kept_photos", "Photos that are kept.", lambda: len(self.kept))
        watch("kept_bytes", "Bytes of the photos that are kept.", lambda: self.kept.bytes)

    @property
    def app(self) -> Cartoonifier:
        """The Cartoonifier. Raises Problem while it is not ready."""
        self.start()
        if self._app is None or not self._is_warm:
            raise Problem(503, "starting", "the model is being loaded.", {"Retry-After": "5"})
        return self._app

    def start(self) -> None:
        """Begins to load, and to sweep, where that has not been done yet."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(do()) for do in (self._get_ready, self._sweep)]

    async def close(self) -> None:
        """Waits for what is in work, and releases the model and the photos."""
        for task in self._tasks:
            task.cancel()
        await asyncio.to_thread(self.desk.close)
        self.kept.clear()
        if self._is_mine and self._app:
            self._app.close()

    async def _get_ready(self) -> None:
        while not await asyncio.to_thread(self._try_to_load):
            await asyncio.sleep(RETRY_S)

    def _try_to_load(self) -> bool:
        try:
            self._load()
        except Exception as error:  # whatever it is, it is tried again
            reason = error if isinstance(error, EngineError) else "unexpected error"
            log.error("the model cannot be loaded: %s", reason, exc_info=error)
            return False
        self._is_warm = True
        return True

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self.kept.sweep()

    def _load(self) -> None:
        options = self.options
        self._app = self._app or load(
            options.model, options.provider, self._threads,
            max_megapixels=options.max_megapixels, models=options.models,
        )  # fmt: skip
        for style in STYLES:
            self._app.replace(cartoon=CartoonOptions(style)).warm_up()


class Order:
    """What a request's worker does: one photo, drawn as it was asked for."""

    def __init__(self, app: Cartoonifier, asked: Asked, body: Body, media_type: str) -> None:
        self._app, self._asked, self._body, self._media_type = app, asked, body, media_type

    def cost(self, found: Found | None = None) -> float:
        """Bytes of memory that it takes, by the headers of what was uploaded."""
        most = self._app.max_megapixels
        pixels = found.photo.size // 3 if found else 0
        for kind, upload in self._body.files.items():
            if kind != "palette" or not _is_json(upload):
                with contextlib.nullcontext() if kind == "photo" else _as_option(kind):
                    height, width = peek_size(upload, most)
                pixels += height * width
        return pixels * BYTES_PER_PIXEL

    def do(self, check: Check, found: Found | None = None) -> Answer:
        """The answer. `found` is a photo that is kept; without one, it is the upload's."""
        app = self._find_app(check)
        found = found or app.find(self._body.photo, name=self._name)
        if found.segment != app.segment:  # other classes than it was kept with
            again = app.find(found.photo, name=found.name)
            found = replace(again, exif=found.exif)
        check()
        result = app.draw(replace(found, name=self._asked.name or found.name))
        check()
        return answers.make(result, self._asked, self._media_type)

    @property
    def _name(self) -> str:
        return self._asked.name or self._body.photo_name or "photo"

    def _find_app(self, check: Check) -> Cartoonifier:
        """A Cartoonifier with the options that were asked for, and with what was uploaded."""
        asked, files = self._asked, self._body.files
        cutout, cartoon = asked.cutout, asked.cartoon
        if "background" in files:
            with _as_option("background"):
                picture = read_photo(files["background"], self._app.max_megapixels)
            cutout = replace(cutout, background=picture)
        app = self._app.replace(asked.segment, cutout, cartoon)
        if "palette" not in files:
            return app
        check()
        palette = _find_palette(files["palette"], app)
        check()
        return app.replace(cartoon=replace(cartoon, palette=palette))


def find(app: Cartoonifier, body: Body, name: str, segment: SegmentOptions) -> Found:
    """What is kept of an upload."""
    app = app if app.segment == segment else app.replace(segment)
    return app.find(body.photo, name=name or body.photo_name or "photo")


def _find_palette(upload: Upload, app: Cartoonifier) -> Palette:
    """The colours of a palette's JSON, or of a photo as `app` draws it."""
    if _is_json(upload):
        return Palette.from_json(upload.getvalue(), "palette")
    with _as_option("palette"):
        result = app(upload, name="palette")
    if result.warnings:
        raise OptionError(f"palette: {'; '.join(result.warnings)}. Take another photo.")
    return result.palette


def _is_json(upload: Upload) -> bool:
    return upload.getvalue()[:64].lstrip()[:1] in (b"{", b"[")


@contextlib.contextmanager
def _as_option(option: str) -> Iterator[None]:
    """What is wrong with this photo is wrong with an option."""
    try:
        yield
    except PhotoError as error:
        raise OptionError(f"{option} {error.message}", option=option) from error
