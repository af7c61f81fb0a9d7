"""What comes out for one photo."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine import display, metrics
from engine.cutout.blend import WHITE, blend
from engine.cutout.classic import voc_colours
from engine.errors import OptionError, OutputError
from engine.files.metadata import check_policy, filter_exif, srgb_profile
from engine.files.pictures import encode_image
from engine.files.writing import refuse_existing, write_file
from engine.options import FORMATS, KINDS, PNG_KINDS
from engine.segment.labels import find_labels, upsample
from engine.strips import at_once


@dataclass(eq=False, repr=False)
class Result:
    """Cut-out and cartoon of one photo, and how they came about.

    (H, W) is the photo's size; in classic mode, the size of the network's input.
    """

    photo: NDArray[np.uint8]
    """(H, W, 3) RGB, upright, as it was read."""
    logits: NDArray[np.float32]
    """(1, C, h', w'), as the network gave them."""
    coarse_probability: NDArray[np.float32]
    """(h', w'), 0..1: share of the kept classes."""
    alpha: NDArray[np.float32]
    """(H, W), 0..1: share of foreground."""
    cutout: NDArray[np.uint8]
    """(H, W, 3) RGB, or (H, W, 4) on a transparent background."""
    cartoon: NDArray[np.uint8]
    """Shape of the cut-out."""
    palette: dict[str, NDArray[np.uint8]]
    """"hue", "saturation", "value": centroids as used, (K,) each, hue in half degrees."""
    histograms: dict[str, NDArray[np.int64]]
    """Pixels per level that the palette was found from: "hue" (180,), the others (256,)."""
    timings: dict[str, float]
    """Milliseconds per stage."""
    name: str = "photo"
    """Of the photo, without folder and suffix: the stem of the files that are saved."""
    warnings: list[str] = field(default_factory=list)
    align_corners: bool = False
    """How the logits lie on the photo: corner on corner, or both as areas."""
    model: str = ""
    provider: str = ""
    threads: int = 1
    """How many may be used to measure and to write it."""
    exif: bytes = b""
    """The photo's, as it was read; empty for none."""

    @cached_property
    def probability(self) -> NDArray[np.float32]:
        """(H, W), 0..1: share of the kept classes, upsampled bilinearly."""
        height, width = self.alpha.shape
        return upsample(self.coarse_probability, height, width, self.align_corners)

    @cached_property
    def label_map(self) -> NDArray[np.uint8]:
        """(H, W), class index of each pixel, whether kept or not."""
        height, width = self.alpha.shape
        return find_labels(self.logits, height, width, self.align_corners)

    @cached_property
    def metrics(self) -> dict[str, float]:
        """ "mse", "log_mse" and "ssim" between cut-out and cartoon, transparency on white."""
        pair = [self._on_white(picture) for picture in (self.cutout, self.cartoon)]
        return {
            "mse": metrics.mse(*pair),
            "log_mse": metrics.log_mse(*pair),
            "ssim": metrics.ssim(*pair, threads=self.threads),
        }

    @property
    def share(self) -> float:
        """Share of the picture that is kept, 0..1."""
        return float(self.alpha.mean())

    def _repr_html_(self) -> str:
        """How a notebook shows it: photo, cut-out, cartoon and palette."""
        pictures = {"photo": self.photo, "cut-out": self.cutout, "cartoon": self.cartoon}
        palette = {channel: levels.tolist() for channel, levels in self.palette.items()}
        colours = display.find_colours(self.cartoon, self.alpha)
        return display.to_html(self.name, pictures, colours, palette)

    def show(self) -> None:
        """Opens photo, cut-out and cartoon in a window. Raises OutputError without a screen."""
        display.show(self.picture("compare"), self.name)

    def picture(self, kind: str) -> Image.Image:
        """One of "cutout", "cartoon", "mask", "labels", "compare", ready to be written.

        Raises OptionError for another kind.
        """
        picture = Image.fromarray(self._pixels(kind))
        if kind == "labels":
            picture.putpalette(voc_colours().tobytes())
        return picture

    def encode(self, kind: str, format: str, metadata: str = "copy-safe") -> bytes:
        """The file of one picture; `format` is "png", "jpg" or "webp", `metadata` as in `save`.

        Raises OptionError for another kind, OutputError where the format cannot hold it.
        """
        if kind == "labels":
            return encode_image(self.picture(kind), format)
        if kind == "mask" or metadata == "strip":
            return encode_image(self._pixels(kind), format)
        exif = filter_exif(self.exif, metadata)
        return encode_image(self._pixels(kind), format, exif, srgb_profile())

    def save(
        self,
        folder: str | os.PathLike[str],
        which: Sequence[str] = ("cutout", "cartoon"),
        *,
        format: str = "png",
        overwrite: bool = False,
        metadata: str = "copy-safe",
    ) -> list[Path]:
        """Writes `name`_`kind`.`format` for each kind, and returns the paths.

        Nothing is written when one of the files exists already, unless `overwrite`. Mask and
        labels are always PNG, and without metadata.

        `metadata` is "copy-safe" (the photo's EXIF without place, maker's notes and thumbnail, and
        an sRGB profile), "keep" (also with those, but the thumbnail) or "strip" (nothing).

        Raises
        ------
        OptionError
            An unknown kind or format, or jpg for a picture with a transparent background.
        OutputError
            A file exists, or cannot be written.
        """
        check_policy(metadata)
        which = tuple(dict.fromkeys(which))
        paths = output_paths(Path(folder), self.name, which, format)
        if self.cutout.shape[2] == 4:
            refuse_transparency(which, format)
        if not overwrite:
            refuse_existing(paths)
        written: list[Path] = []
        calls = [
            lambda k=kind, p=path: self.encode(k, p.suffix[1:], metadata)
            for kind, path in zip(which, paths, strict=True)
        ]
        try:
            for data, path in zip(at_once(calls, self.threads), paths, strict=True):
                write_file(data, path, overwrite)
                written.append(path)
        except OutputError:
            for path in [] if overwrite else written:  # all of them, or none
                path.unlink(missing_ok=True)
            raise
        return paths

    def _pixels(self, kind: str) -> NDArray[np.uint8]:
        match kind:
            case "cutout":
                return self.cutout
            case "cartoon":
                return self.cartoon
            case "mask":
                return np.asarray(np.rint(self.alpha * np.float32(255)), np.uint8)
            case "labels":
                return self.label_map
            case "compare":
                return self._side_by_side()
        raise OptionError(f"{kind!r} is nothing to save; wanted {', '.join(KINDS)}.")

    def _side_by_side(self) -> NDArray[np.uint8]:
        """photo | cut-out | cartoon."""
        height, width, channels = self.cutout.shape
        photo = self.photo
        if photo.shape[:2] != (height, width):
            photo = np.asarray(cv2.resize(photo, (width, height)))
        if channels == 4:
            photo = np.dstack([photo, np.full((height, width), 255, np.uint8)])
        return np.hstack([photo, self.cutout, self.cartoon])

    def _on_white(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if picture.shape[2] == 3:
            return picture
        return blend(np.ascontiguousarray(picture[..., :3]), self.alpha, WHITE)


def output_paths(folder: Path, name: str, which: Sequence[str], format: str) -> list[Path]:
    """The files that `Result.save` writes, in the order of `which`.

    Raises OptionError for an unknown kind or format.
    """
    for kind in which:
        if kind not in KINDS:
            raise OptionError(f"{kind!r} is nothing to save; wanted {', '.join(KINDS)}.")
    if format not in FORMATS:
        raise OptionError(f"format {format!r}: wanted {', '.join(FORMATS)}.")
    return [folder / f"{name}_{kind}.{'png' if kind in PNG_KINDS else format}" for kind in which]


def refuse_transparency(which: Sequence[str], format: str) -> None:
    """Raises OptionError when a picture with an alpha channel would become a jpg."""
    if format == "jpg" and not PNG_KINDS.issuperset(which):
        raise OptionError("jpg holds no transparency; use png or webp.")
