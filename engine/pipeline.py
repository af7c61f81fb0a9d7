"""Photo to result: the stages in order, each timed.

Classic is the method as published in a 2021 project description of DeepLabV3 + K-histogram
cartoons, kept pixel for pixel; docs/method.md has its rules.
"""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from numbers import Real
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.cartoon.colours import Palette
from engine.cartoon.drawing import Drawing, Subject
from engine.cartoon.style import load_style
from engine.cutout.background import Backdrop
from engine.cutout.blend import WHITE, add_alpha, blend
from engine.cutout.classic import VOC_CLASSES, classic_mask, cut_out
from engine.cutout.clean import clean
from engine.cutout.matte import soft_matte
from engine.cutout.people import keep_largest
from engine.cutout.refine import Refiner, open_refiner, refined_matte
from engine.errors import EngineError, OptionError, PhotoError
from engine.files.photos import PhotoSource, read_with_exif
from engine.files.pictures import encode_image
from engine.found import Found, Seen
from engine.options import MAX_MEGAPIXELS, CartoonOptions, CutoutOptions, SegmentOptions
from engine.result import Result
from engine.segment.find import find
from engine.segment.labels import class_indices, find_labels, plain_name, upsample
from engine.segment.preprocess import classic_resize, classic_size, network_size, resize
from engine.segment.session import Session, open_session
from engine.threads import usable_threads
from engine.weights import ModelFacts

if TYPE_CHECKING:
    from engine.cartoon.refined.memory import Memory

Stage = TypeVar("Stage", SegmentOptions, CutoutOptions, CartoonOptions)

_WARM_UP_SIDE = 450
"""Pixels of the shorter side of a made-up picture."""

log = logging.getLogger(__name__)


class Cartoonifier:
    """A loaded model with options: call it with a photo.

    Reusable, and safe to call from several threads. Close it, or use it in a `with` statement,
    to release the model.
    """

    def __init__(
        self,
        session: Session,
        segment: SegmentOptions,
        cutout: CutoutOptions,
        cartoon: CartoonOptions,
        max_megapixels: float = MAX_MEGAPIXELS,
        backdrop: Backdrop | None = None,
        refiner: Refiner | None = None,
    ) -> None:
        """`backdrop` is the cutout's background where it has been read already, and `refiner` that
        of the edges where it has been loaded.
        """
        if segment.classic and cutout.most_people is not None:
            raise OptionError("classic keeps all people; leave out people.")
        known = tuple(map(plain_name, session.facts.classes))
        if segment.classic and known != tuple(map(plain_name, VOC_CLASSES)):
            raise OptionError("classic is defined on the 21 VOC classes; this model has others.")
        if segment.classic and session.borders:
            raise OptionError(
                "classic has no second network; leave out what follows the + of model."
            )
        self._session: Session | None = session
        self.segment, self.cutout, self.cartoon = segment, cutout, cartoon
        self._cartoon = cartoon.in_mode(segment.classic)
        self.max_megapixels = max_megapixels
        self._kept = class_indices(segment.kept_names, session.facts.classes)
        self._backdrop = backdrop or Backdrop(cutout.background)
        if segment.classic and self._backdrop.kind != "white":
            raise OptionError("classic is defined on white only; leave out the background.")
        self._refiner = refiner
        if refiner is None and cutout.edges == "refined" and not segment.classic:
            self._refiner = open_refiner(session.provider, session.threads)
        self._draw = load_style(self._cartoon)

    def __call__(
        self,
        photo: PhotoSource,
        *,
        name: str | None = None,
        like: Result | Palette | None = None,
    ) -> Result:
        """Cut-out, cartoon and all that led to them.

        Parameters
        ----------
        photo : path, bytes, binary file object, PIL.Image, or uint8 array
            Arrays are (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA. None is changed.
        name : str or None
            Of the files that are saved; "/" makes folders. None: the stem of the photo's path.
        like : Result, Palette or None
            Another drawing, in whose colours this one is painted. None: those of the options.

        Raises
        ------
        PhotoError
            It cannot be read as a photo, or there is not enough memory for it.
        OptionError
            The name is not a text, or the style, or what `like` is, has no palette.
        EngineError
            The Cartoonifier is closed.
        """
        return self.draw(self.find(photo, name=name), like=like)

    def find(self, photo: PhotoSource, *, name: str | None = None) -> Found:
        """The first half of a call: what the network finds in a photo, ready for `draw`.

        Parameters and errors are those of a call.
        """
        return self.recognise(self.see(photo, name=name))

    def see(self, photo: PhotoSource, *, name: str | None = None) -> Seen:
        """The first half of `find`: the photo as it is read, and as the network will see it."""
        session = self._open_session
        if name is not None and not isinstance(name, str):
            raise OptionError(f"name is {name!r}; expected a text.")
        name = _name_of(photo) if name is None else name
        timings: dict[str, float] = {}
        with _timed(timings, "read"):
            pixels, exif = read_with_exif(photo, self.max_megapixels)
        with _lack_of_memory_to_error(name, pixels), _timed(timings, "resize"):
            small = self._resize(pixels, session)
        return Seen(
            photo=pixels, small=small, name=name, exif=exif, facts=session.facts,
            segment=self.segment, timings=timings,
        )  # fmt: skip

    def recognise(self, seen: Seen) -> Found:
        """The second half of `find`: what the network finds.

        Raises OptionError where another model or other options of finding saw it, and the errors of
        a call.
        """
        session, timings = self._check_origin(seen), dict(seen.timings)
        with _lack_of_memory_to_error(seen.name, seen.photo), _timed(timings, "network"):
            logits, probability = find(
                session, seen.photo, seen.small, self._kept, self.segment.precise
            )
        return Found(**vars(seen) | {"timings": timings}, logits=logits, probability=probability)

    def draw(
        self,
        found: Found,
        *,
        like: Result | Palette | None = None,
        memory: Memory | None = None,
    ) -> Result:
        """The second half of a call: cut-out and cartoon of what was found.

        `found` may come from another Cartoonifier on the same model, with other options for the
        cut-out and the cartoon. `memory` is that of the frames before, in a video. Raises
        OptionError where its model or its options of finding are others, and the errors of a call.
        """
        session = self._check_origin(found)
        options = self._cartoon if like is None else replace(self._cartoon, palette=_colours(like))
        timings = dict(found.timings)
        make = self._make_classic if self.segment.classic else self._make
        with _lack_of_memory_to_error(found.name, found.photo):
            made = make(session, found, options, timings, memory)
        stages = ", ".join(f"{stage} {ms:.0f} ms" for stage, ms in timings.items())
        log.info("%s: %s", found.name, stages)
        warnings = () if made.alpha.any() else (self.segment.nothing_found,)
        for warning in warnings:
            log.warning("%s: %s", found.name, warning)
        return replace(
            made, name=found.name, warnings=warnings, exif=found.exif,
            style=options.style or "", model=session.facts.name, provider=session.provider,
            threads=session.threads,
        )  # fmt: skip

    def warm_up(self) -> None:
        """Finds and draws a made-up picture, so that the next call is as fast as later ones.

        The first call otherwise loads kernels and decoders, and has onnxruntime get its memory.
        Raises the errors of a call.
        """
        side = max(1, min(_WARM_UP_SIDE, math.isqrt(int(self.max_megapixels * 750_000))))
        photo = encode_image(_make_picture(side, side * 4 // 3), "jpg")
        found = self.find(photo, name="warm-up")
        # Nobody is in it, and a person has to be drawn.
        probability, logits = np.zeros_like(found.probability), np.zeros_like(found.logits)
        for maps, value in ((probability, 0.98), (logits[0, self._kept[0]], 9)):
            height, width = maps.shape
            maps[height // 4 :, width // 4 : width * 3 // 4] = value
        self.draw(replace(found, probability=probability, logits=logits))

    def replace(
        self,
        segment: SegmentOptions | None = None,
        cutout: CutoutOptions | None = None,
        cartoon: CartoonOptions | None = None,
    ) -> Cartoonifier:
        """A Cartoonifier with other options on the same loaded model."""
        return Cartoonifier(
            self._open_session,
            _checked("segment", segment, self.segment),
            _checked("cutout", cutout, self.cutout),
            _checked("cartoon", cartoon, self.cartoon),
            self.max_megapixels,
            None if cutout else self._backdrop,
            self._refiner,
        )

    @property
    def settings(self) -> dict[str, object]:
        """All that decides a photo's pixels besides the photo and the engine, ready for JSON.

        The background is a name, or a digest of its pixels; the palette is its digest. The provider
        is the one that runs, because networks answer a little differently on each.
        """
        palette = self._cartoon.palette
        refines = self._refiner if self.cutout.edges == "refined" else None
        return {
            "model": self.model.sha256,
            "provider": self.provider,
            "segment": {
                "keep": list(self.segment.kept_names),
                "classic": self.segment.classic,
                "precise": self.segment.precise,
            },
            "cutout": _plain(self.cutout)
            | {"background": self._backdrop.identity, "people": self.cutout.most_people}
            | {"refiner": refines and refines.sha256},
            "cartoon": _plain(self._cartoon) | {"palette": palette and palette.digest},
        }

    @property
    def provider(self) -> str:
        """What runs the networks: one of `load`'s, which "auto" stands for."""
        return str(self._open_session.provider)

    @property
    def threads(self) -> int:
        """How many threads the stages may use."""
        return int(self._open_session.threads)

    @property
    def model(self) -> ModelFacts:
        """Facts of the loaded model."""
        return self._open_session.facts

    def close(self) -> None:
        """Releases the model; calls that are under way still finish."""
        self._session = None

    def __enter__(self) -> Cartoonifier:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def _open_session(self) -> Session:
        if self._session is None:
            raise EngineError("this Cartoonifier is closed; load another one.")
        return self._session

    def _check_origin(self, seen: Seen) -> Session:
        """The session, with which a photo was seen. Raises OptionError."""
        session = self._open_session
        if seen.facts is not session.facts or seen.segment != self.segment:
            raise OptionError("another model or other options saw this photo; find again.")
        return session

    def _resize(self, photo: NDArray[np.uint8], session: Session) -> NDArray[np.uint8]:
        """The photo as the network sees it."""
        height, width = photo.shape[:2]
        if self.segment.classic:
            return classic_resize(photo, classic_size(height, width))
        return resize(photo, network_size(height, width, session.facts.input), session.threads)

    def _make(
        self,
        session: Session,
        found: Found,
        options: CartoonOptions,
        timings: dict[str, float],
        memory: Memory | None,
    ) -> Result:
        photo = found.photo
        background, threads = self._backdrop.kind, session.threads
        whole = background in ("white", "none")
        with _timed(timings, "matte"):
            alpha, person = self._find_matte(found, session)
        with _timed(timings, "cutout"):
            on_white = (
                photo.copy() if background == "none" else blend(person, alpha, WHITE, threads)
            )
            behind = self._backdrop.behind(photo, person, alpha, threads)
            if whole:
                cutout = on_white
            elif background == "original":
                cutout = photo.copy()
            else:
                cutout = _lay(person, alpha, behind, threads)
        with _timed(timings, "cartoon"):
            # The drawing never depends on the background: it is made of the person on white.
            subject = Subject(
                on_white, None if background == "none" else alpha, person,
                None if whole else behind, background == "transparent", memory,
            )  # fmt: skip
            drawing = self._draw(subject, options, threads)
        return _to_result(
            drawing, found, alpha=alpha, cutout=cutout, paper=_find_paper(background, behind),
            timings=timings, align_corners=session.facts.align_corners,
        )  # fmt: skip

    def _find_matte(
        self, found: Found, session: Session
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Alpha, and the photo with the person's own colours at the rim."""
        photo, probability = found.photo, found.probability
        height, width = photo.shape[:2]
        align_corners, threads = session.facts.align_corners, session.threads
        threshold = self.cutout.threshold
        if self._backdrop.kind == "none":
            return np.ones((height, width), np.float32), photo
        if self.cutout.clean:
            probability = clean(probability, threshold)
        if self.cutout.most_people is not None:
            probability = keep_largest(probability, threshold, self.cutout.most_people)
        if self.cutout.edges == "refined" and self._refiner:
            return refined_matte(
                probability, photo, found.small, threshold, align_corners, self._refiner, threads
            )
        upsampled = upsample(probability, height, width, align_corners)
        return soft_matte(upsampled, threshold), photo

    def _make_classic(
        self,
        session: Session,
        found: Found,
        options: CartoonOptions,
        timings: dict[str, float],
        memory: Memory | None,
    ) -> Result:
        with _timed(timings, "matte"):
            label_map = find_labels(found.logits, *found.small.shape[:2])
            kept_map = np.where(np.isin(label_map, self._kept), label_map, np.uint8(0))
            mask = classic_mask(kept_map)
            # One matte for the result: the channel that lets most through.
            red, green, blue = cv2.split(mask)
            alpha = cv2.max(cv2.max(red, green), blue) / np.float32(255)
        with _timed(timings, "cutout"):
            cutout = np.rint(255 * cut_out(mask, found.photo)).astype(np.uint8)
        with _timed(timings, "cartoon"):
            drawing = self._draw(Subject(cutout), options, session.threads)
        return _to_result(
            drawing, found, alpha=alpha, cutout=cutout, paper=(255, 255, 255), timings=timings
        )  # fmt: skip


def load(
    model: str | os.PathLike[str] = "default",
    provider: str = "auto",
    threads: int | None = None,
    *,
    segment: SegmentOptions | None = None,
    cutout: CutoutOptions | None = None,
    cartoon: CartoonOptions | None = None,
    max_megapixels: float = MAX_MEGAPIXELS,
    models: str | os.PathLike[str] | None = None,
    warmup: bool = False,
) -> Cartoonifier:
    """A Cartoonifier, ready to be called.

    Parameters
    ----------
    model : str or path
        A name of models/manifest.json, of an exported model or of another project's network,
        "default", or an .onnx file; or two, as "deeplab+u2netp" (docs/models.md).
    provider : "auto", "cpu", "cuda", "tensorrt", "openvino", "coreml" or "directml"
        What runs the networks (docs/runtimes.md). "auto" takes CUDA where it works, else the CPU;
        all others fail where they do not work.
    threads : int, at least 1
        For all stages. None: as many as the process may use, which is also the limit.
    segment, cutout, cartoon
        Options of the stages; None for their defaults.
    max_megapixels : float
        Larger photos are refused.
    models : path
        Folder of exported models. None: $CARTOONIFY_MODELS, else in the user's cache.
    warmup : bool
        Whether to draw a made-up picture now, so that the first call is as fast as the second.

    Raises
    ------
    OptionError, ModelError, ProviderError
    """
    if not isinstance(max_megapixels, Real) or not 0 < max_megapixels < math.inf:
        raise OptionError(f"max_megapixels is {max_megapixels!r}; expected a number above 0.")
    stages = (
        _checked("segment", segment, SegmentOptions()),
        _checked("cutout", cutout, CutoutOptions()),
        _checked("cartoon", cartoon, CartoonOptions()),
    )
    cache = None if models is None else Path(_path("models", models))
    session = open_session(_path("model", model), provider, usable_threads(threads), cache)
    app = Cartoonifier(session, *stages, max_megapixels)
    if warmup:
        app.warm_up()
    return app


def _checked(name: str, options: Stage | None, default: Stage) -> Stage:
    if options is None:
        return default
    found, expected = type(options), type(default)
    if not issubclass(found, expected):
        raise OptionError(f"{name} is a {found.__name__}; expected {expected.__name__}.")
    return options


def _path(name: str, path: str | os.PathLike[str]) -> str:
    if not isinstance(path, (str, os.PathLike)):
        raise OptionError(f"{name} is {path!r}; expected a name or a path.")
    return os.fspath(path)


def _colours(like: Any) -> Any:
    """A result's palette; what else there may be is for the options to check."""
    return like.palette if isinstance(like, Result) else like


def _make_picture(height: int, width: int) -> NDArray[np.uint8]:
    """Soft and hard changes of many colours, uint8 (H, W, 3)."""
    y, x, channel = np.ogrid[:height, :width, :3]
    waves = x * (channel + 1) // 3 + y // 2 + x // 32 % 2 * y // 32 % 2 * 60
    return np.asarray(waves, np.uint8)


def _find_paper(background: str, behind: NDArray[np.uint8] | None) -> tuple[int, int, int] | None:
    """The colour that lies behind, if it is one."""
    if background == "none" or behind is None or behind.shape[:2] != (1, 1):
        return None
    red, green, blue = behind[0, 0].tolist()
    return red, green, blue


def _to_result(drawing: Drawing, found: Found, **stages: Any) -> Result:
    return Result(
        photo=found.photo, logits=found.logits, coarse_probability=found.probability,
        cartoon=drawing.cartoon, painted=drawing.palette, centroids=drawing.centroids,
        histograms=drawing.histograms, shapes=drawing.shapes, **stages,
    )  # fmt: skip


def _lay(
    picture: NDArray[np.uint8],
    alpha: NDArray[np.float32],
    behind: NDArray[np.uint8] | None,
    threads: int,
) -> NDArray[np.uint8]:
    """A picture by its matte on what lies behind it; None is nothing."""
    return add_alpha(picture, alpha) if behind is None else blend(picture, alpha, behind, threads)


def _plain(options: CutoutOptions | CartoonOptions) -> dict[str, Any]:
    """The fields by name, their NumPy scalars as Python's."""
    values = {field.name: getattr(options, field.name) for field in fields(options)}
    return {n: v.item() if isinstance(v, np.generic) else v for n, v in values.items()}


def _name_of(photo: PhotoSource) -> str:
    """The stem of a path, or of an open file's path; "photo" for all else."""
    path = photo if isinstance(photo, (str, os.PathLike)) else getattr(photo, "filename", None)
    path = path or getattr(photo, "name", None)
    return (Path(path).stem if isinstance(path, (str, os.PathLike)) else "") or "photo"


@contextmanager
def _timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    timings[stage] = (time.perf_counter() - start) * 1e3


@contextmanager
def _lack_of_memory_to_error(name: str, photo: NDArray[np.uint8]) -> Iterator[None]:
    try:
        yield
    except (MemoryError, cv2.error) as error:
        if isinstance(error, cv2.error) and getattr(error, "code", 0) != cv2.Error.StsNoMem:
            raise
        height, width = photo.shape[:2]
        raise PhotoError(
            f"{name}: not enough memory for {width} x {height} pixels. Scale it down first."
        ) from error
