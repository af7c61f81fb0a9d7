"""Photo to result: the stages in order, each timed."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from engine.cartoon.stylise import Drawing, draw, redraw
from engine.cutout.background import cover, read_background
from engine.cutout.blend import WHITE, add_alpha, blend
from engine.cutout.classic import VOC_CLASSES, classic_mask, cut_out
from engine.cutout.clean import clean
from engine.cutout.matte import soft_matte
from engine.cutout.refine import refined_matte
from engine.errors import EngineError, OptionError
from engine.files.photos import PhotoSource, read_with_exif
from engine.options import MAX_MEGAPIXELS, CartoonOptions, CutoutOptions, SegmentOptions
from engine.result import Result
from engine.segment.labels import (
    class_indices,
    find_labels,
    find_probability,
    plain_name,
    upsample,
)
from engine.segment.preprocess import (
    classic_resize,
    classic_size,
    network_size,
    resize,
    to_tensor,
)
from engine.segment.session import Session, open_session
from engine.threads import usable_threads
from engine.weights import ModelFacts

log = logging.getLogger(__name__)


class Cartoonifier:
    """A loaded model with options: call it with a photo.

    Reusable, and safe to call from several threads. Close it, or use it in a `with` statement,
    to let go of the model.
    """

    def __init__(
        self,
        session: Session,
        segment: SegmentOptions,
        cutout: CutoutOptions,
        cartoon: CartoonOptions,
        max_megapixels: float = MAX_MEGAPIXELS,
    ) -> None:
        if segment.classic and cutout.background != "white":
            raise OptionError("classic is defined on white only; leave out the background.")
        known = tuple(map(plain_name, session.facts.classes))
        if segment.classic and known != tuple(map(plain_name, VOC_CLASSES)):
            raise OptionError("classic is defined on the 21 VOC classes; this model has others.")
        self._session: Session | None = session
        self.segment, self.cutout, self.cartoon = segment, cutout, cartoon
        self.max_megapixels = max_megapixels
        self._kept = class_indices(segment.kept_names, session.facts.classes)
        self._backdrop = WHITE
        if cutout.background not in ("transparent", "original", "none"):
            self._backdrop = read_background(cutout.background)

    def __call__(self, photo: PhotoSource) -> Result:
        """Cut-out, cartoon and all that led to them.

        Parameters
        ----------
        photo : path, bytes, binary file object, PIL.Image, or uint8 array
            Arrays are (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA. None is changed.

        Raises
        ------
        PhotoError
            It cannot be read as a photo.
        EngineError
            The Cartoonifier is closed.
        """
        session = self._open_session
        timings: dict[str, float] = {}
        with _timed(timings, "read"):
            pixels, exif = read_with_exif(photo, self.max_megapixels)
        make = self._make_classic if self.segment.classic else self._make
        result = make(session, pixels, timings)
        result.name = _name_of(photo)
        result.model, result.provider = session.facts.name, session.provider
        result.threads, result.exif = session.threads, exif
        stages = ", ".join(f"{stage} {ms:.0f} ms" for stage, ms in timings.items())
        log.info("%s: %s", result.name, stages)
        if not result.alpha.any():
            kept = self.segment.kept_names
            names = "object" if "all" in kept else " or ".join(kept)
            found_nothing = f"no {names} found, nothing is kept"
            result.warnings.append(found_nothing)
            log.warning("%s: %s", result.name, found_nothing)
        return result

    def replace(
        self,
        segment: SegmentOptions | None = None,
        cutout: CutoutOptions | None = None,
        cartoon: CartoonOptions | None = None,
    ) -> Cartoonifier:
        """A Cartoonifier with other options on the same loaded model."""
        return Cartoonifier(
            self._open_session,
            segment or self.segment,
            cutout or self.cutout,
            cartoon or self.cartoon,
            self.max_megapixels,
        )

    @property
    def backdrop_digest(self) -> str:
        """Of the background's pixels: a picture's path does not tell what is in it."""
        return hashlib.blake2b(self._backdrop.tobytes(), digest_size=16).hexdigest()

    @property
    def provider(self) -> str:
        """What runs the network: "cpu" or "cuda"."""
        return str(self._open_session.provider)

    @property
    def model(self) -> ModelFacts:
        """Facts of the loaded model."""
        return self._open_session.facts

    def close(self) -> None:
        """Lets go of the model; calls that are under way still finish."""
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

    def _make(
        self, session: Session, photo: NDArray[np.uint8], timings: dict[str, float]
    ) -> Result:
        height, width = photo.shape[:2]
        background, threads = self.cutout.background, session.threads
        with _timed(timings, "resize"):
            small = resize(photo, network_size(height, width, session.facts.input), threads)
            tensor = to_tensor(small, session.facts)
        with _timed(timings, "network"):
            logits = session.run(tensor)
        with _timed(timings, "matte"):
            probability = find_probability(logits, self._kept)
            alpha, person = self._find_matte(probability, photo, small, session)
        with _timed(timings, "cutout"):
            on_white = (
                photo.copy() if background == "none" else blend(person, alpha, WHITE, threads)
            )
            whole = background in ("white", "none")
            if background == "original":
                cutout = photo.copy()
            else:
                cutout = on_white if whole else self._lay(person, photo, alpha)
        with _timed(timings, "cartoon"):
            # The drawing never depends on the background: it is made of the person on white.
            drawing = draw(on_white, self.cartoon, swap=True, threads=threads)
            cartoon = drawing.cartoon
            if not whole:
                self._colour_rim(cartoon, person, alpha, drawing)
                cartoon = self._lay(cartoon, photo, alpha)
        return Result(
            photo, logits, probability, alpha, cutout, cartoon, drawing.palette, drawing.histograms,
            timings,
            align_corners=session.facts.align_corners,
        )  # fmt: skip

    def _find_matte(
        self,
        probability: NDArray[np.float32],
        photo: NDArray[np.uint8],
        small: NDArray[np.uint8],
        session: Session,
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Alpha, and the photo with the person's own colours at the rim."""
        height, width = photo.shape[:2]
        align_corners, threads = session.facts.align_corners, session.threads
        threshold = self.cutout.threshold
        if self.cutout.background == "none":
            return np.ones((height, width), np.float32), photo
        if self.cutout.clean:
            probability = clean(probability, threshold)
        if self.cutout.edges == "refined":
            return refined_matte(probability, photo, small, threshold, align_corners, threads)
        upsampled = upsample(probability, height, width, align_corners)
        return soft_matte(upsampled, threshold), photo

    def _make_classic(
        self, session: Session, photo: NDArray[np.uint8], timings: dict[str, float]
    ) -> Result:
        with _timed(timings, "resize"):
            size = classic_size(*photo.shape[:2])
            tensor = to_tensor(classic_resize(photo, size), session.facts)
        with _timed(timings, "network"):
            logits = session.run(tensor)
        with _timed(timings, "matte"):
            probability = find_probability(logits, self._kept)
            label_map = find_labels(logits, *size)
            kept_map = np.where(np.isin(label_map, self._kept), label_map, np.uint8(0))
            mask = classic_mask(kept_map)
            # One matte for the result: the channel that lets most through.
            alpha = mask.max(axis=2) / np.float32(255)
        with _timed(timings, "cutout"):
            cutout = np.rint(255 * cut_out(mask, photo)).astype(np.uint8)
        with _timed(timings, "cartoon"):
            # The document reads the cut-out as BGR and treats it as RGB.
            drawing = draw(cutout, self.cartoon, swap=True, threads=session.threads)
        return Result(
            photo, logits, probability, alpha, cutout, drawing.cartoon, drawing.palette,
            drawing.histograms, timings,
        )  # fmt: skip

    def _lay(
        self, picture: NDArray[np.uint8], photo: NDArray[np.uint8], alpha: NDArray[np.float32]
    ) -> NDArray[np.uint8]:
        """A picture by its matte on the background that was asked for."""
        match self.cutout.background:
            case "transparent":
                return add_alpha(picture, alpha)
            case "original":
                return blend(picture, alpha, photo)
            case _:
                return blend(picture, alpha, cover(self._backdrop, *alpha.shape))

    def _colour_rim(
        self,
        cartoon: NDArray[np.uint8],
        person: NDArray[np.uint8],
        alpha: NDArray[np.float32],
        drawing: Drawing,
    ) -> None:
        """Redraws the edge from the person's colours, for there the drawing is mixed with white."""
        redrawn = redraw(person, drawing, self.cartoon, swap=True)
        np.copyto(cartoon, redrawn, where=(alpha < 1)[..., None])


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
) -> Cartoonifier:
    """A Cartoonifier, ready to be called.

    Parameters
    ----------
    model : str or path
        A name of models/manifest.json or of an exported model, "default", or an .onnx file
        (docs/models.md).
    provider : "auto", "cpu" or "cuda"
        "auto" takes CUDA where it works; "cuda" fails where it does not.
    threads : int, at least 1
        For all stages. None: as many as the process may use, which is also the limit.
    segment, cutout, cartoon
        Options of the stages; None for their defaults.
    max_megapixels : float
        Larger photos are refused.
    models : path
        Folder of exported models. None: $CARTOONIFY_MODELS, else in the user's cache.

    Raises
    ------
    OptionError, ModelError, ProviderError
    """
    if not max_megapixels > 0:
        raise OptionError(f"max_megapixels is {max_megapixels}; it is above 0.")
    session = open_session(model, provider, usable_threads(threads), models)
    return Cartoonifier(
        session,
        segment or SegmentOptions(),
        cutout or CutoutOptions(),
        cartoon or CartoonOptions(),
        max_megapixels,
    )


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
