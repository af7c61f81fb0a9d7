"""What comes out for one photo."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine import display, metrics
from engine.cartoon.colours import Palette
from engine.cartoon.refined.shapes import Shapes
from engine.cutout.blend import WHITE, blend
from engine.cutout.classic import voc_colours
from engine.errors import OptionError, OutputError
from engine.files.metadata import filter_exif, srgb_profile
from engine.files.pictures import encode_image, reduce_picture
from engine.files.writing import refuse_existing, write_file
from engine.once import computed_once
from engine.options import OWN_FORMATS, PICTURES, STYLES, OutputOptions
from engine.segment.labels import find_labels, upsample
from engine.strips import at_once

CROP_MARGIN = 0.05
"""Around what is kept, as a share of its longer side."""
LONGEST_NAME = 255
"""Bytes of a file's name, on all common file systems."""
_ALL = (slice(None), slice(None))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Result:
    """Cut-out and cartoon of one photo, and how they came about.

    (H, W) is the photo's size; in classic mode, the size of the network's input.
    """

    photo: NDArray[np.uint8]
    """(H, W, 3) RGB, upright, as it was read."""
    logits: NDArray[np.float32]
    """(1, C, h', w'), as the network gave them; a precise look is averaged in."""
    coarse_probability: NDArray[np.float32]
    """(h', w'), 0..1: share of the kept classes."""
    alpha: NDArray[np.float32]
    """(H, W), 0..1: share of foreground."""
    cutout: NDArray[np.uint8]
    """(H, W, 3) RGB, or (H, W, 4) on a transparent background."""
    cartoon: NDArray[np.uint8]
    """Shape of the cut-out. What is transparent in it is so by its own silhouette."""
    centroids: dict[str, NDArray[np.float64]]
    """The K-histogram's levels of each channel, (K,), ascending: "lightness", "chroma" and "hue" in
    half degrees; in classic, "hue" in half degrees, "saturation" and "value". Empty where colours
    were given, and where nothing is drawn."""
    histograms: dict[str, NDArray[np.int64]]
    """What these were found from, "hue" (180,), the others (256,): pixels per level in classic,
    else millionths, those of hue weighted by chroma."""
    timings: dict[str, float]
    """Milliseconds per stage."""
    style: str = ""
    """comic, poster, ink or classic."""
    painted: Palette | None = None
    """The colours that the cartoon was painted in; None where it mixed them of levels."""
    paper: tuple[int, int, int] | None = None
    """RGB of what lies behind where it is one colour, and nothing else."""
    shapes: Shapes | None = None
    """What the cartoon is made of; None in classic, and where nothing is drawn."""
    name: str = "photo"
    """The stem of the files that are saved; "/" makes folders."""
    warnings: tuple[str, ...] = ()
    align_corners: bool = False
    """How the logits lie on the photo: corner on corner, or both as areas."""
    model: str = ""
    provider: str = ""
    threads: int = 1
    """How many may be used to measure and to write it."""
    exif: bytes = b""
    """The photo's, as it was read; empty for none."""
    begins_shot: bool = True
    """Whether the frames before, of a video, have no part in it; a photo has none before it."""

    @computed_once
    def probability(self) -> NDArray[np.float32]:
        """(H, W), 0..1: share of the kept classes, upsampled bilinearly."""
        height, width = self.alpha.shape
        return upsample(self.coarse_probability, height, width, self.align_corners)

    @computed_once
    def label_map(self) -> NDArray[np.uint8]:
        """(H, W), class index of each pixel, whether kept or not."""
        height, width = self.alpha.shape
        return find_labels(self.logits, height, width, self.align_corners)

    @computed_once
    def palette(self) -> Palette:
        """The colours in the cartoon; of a classic one the commonest, at most 255."""
        if self.painted is not None:
            return self.painted
        return Palette.of_picture(self.cartoon, self.alpha)

    @computed_once
    def metrics(self) -> dict[str, float]:
        """ "mse", "log_mse" and "ssim" between cut-out and cartoon, transparency on white."""
        pair = [_on_white(picture) for picture in (self.cutout, self.cartoon)]
        return {
            "mse": metrics.mse(*pair),
            "log_mse": metrics.log_mse(*pair),
            "ssim": metrics.ssim(*pair, threads=self.threads),
        }

    @property
    def share(self) -> float:
        """Share of the picture that is kept, 0..1."""
        return float(self.alpha.mean())

    def __repr__(self) -> str:
        height, width = self.alpha.shape
        runner = f"{self.model} on {self.provider}, " if self.model else ""
        return (
            f"Result({self.name!r}, {width} x {height}, kept {100 * self.share:.1f} %, "
            f"{runner}{sum(self.timings.values()):.0f} ms)"
        )

    def _repr_html_(self) -> str:
        """How a notebook shows it: photo, cut-out, cartoon and palette."""
        pictures = {"photo": self.photo, "cut-out": self.cutout, "cartoon": self.cartoon}
        levels = {name: found.astype(int).tolist() for name, found in self.centroids.items()}
        return display.to_html(self.name, pictures, self.palette.by_share, levels)

    def show(self) -> None:
        """Opens photo, cut-out and cartoon in a window. Raises OutputError without a screen."""
        display.show(self.picture("compare"), self.name)

    def picture(self, kind: str) -> Image.Image:
        """One of "cutout", "cartoon", "mask", "labels", "compare", ready to be written.

        Raises OptionError for another kind.
        """
        OutputOptions(kinds=(kind,))
        if kind not in PICTURES:
            raise OptionError(f"{kind} is no picture; expected one of {', '.join(PICTURES)}.")
        pixels = self._pixels(kind, _ALL)
        return _with_palette(pixels) if kind == "labels" else Image.fromarray(pixels)

    def encode(
        self,
        kind: str,
        format: str = "png",
        metadata: str = "copy-safe",
        *,
        quality: int | None = None,
        crop: bool = False,
        size: int | None = None,
    ) -> bytes:
        """The file of one picture, or of the drawing's "svg" or "palette", which no format fits.

        The arguments are those of OutputOptions.

        Raises
        ------
        OptionError
            An unknown kind or format, another argument out of its range, a format that does not go
            with the kind or with a transparent background, or svg of a classic drawing.
        OutputError
            The format cannot hold a picture of this size.
        """
        output = OutputOptions((kind,), format, quality, metadata, crop, size)
        if kind in OWN_FORMATS and format != "png":
            own = OWN_FORMATS[kind]
            raise OptionError(f"{kind} is exact, and written as {own} only.", option="format")
        self._check(output)
        return self._encode(kind, output)

    def save(
        self,
        folder: str | os.PathLike[str],
        which: str | Sequence[str] = ("cutout", "cartoon"),
        *,
        format: str = "png",
        overwrite: bool = False,
        metadata: str = "copy-safe",
        quality: int | None = None,
        crop: bool = False,
        size: int | None = None,
    ) -> list[Path]:
        """Writes `name`_`kind`.`format` for each kind, and returns the paths.

        Nothing is written when one of the files exists already, unless `overwrite`. Mask and
        labels are always PNG, and without metadata; svg is `name`_cartoon.svg, and palette
        `name`_palette.json.

        `metadata` is "copy-safe" (the photo's EXIF without place, maker's notes and thumbnail, and
        an sRGB profile), "keep" (also with those, but the thumbnail) or "strip" (nothing);
        `which` and the others are the kinds and the rest of OutputOptions.

        Raises
        ------
        OptionError
            An unknown kind or format, another argument out of its range, jpg for a picture with a
            transparent background, or svg of a classic drawing.
        OutputError
            A file exists, cannot be written, or would lie outside the folder by its name.
        """
        if not isinstance(folder, (str, os.PathLike)):
            raise OptionError(f"folder is {folder!r}; expected a path.")
        if isinstance(which, str) or not isinstance(which, Iterable):
            which = (which,)
        output = OutputOptions(tuple(which), format, quality, metadata, crop, size)
        kinds = tuple(dict.fromkeys(output.kinds))
        self._check(output)
        paths = output_paths(Path(folder), self.name, kinds, format)
        check_name(self.name, paths)
        if not overwrite:
            refuse_existing(paths)
        written: list[Path] = []
        calls = [partial(self._encode, kind, output) for kind in kinds]
        try:
            for data, path in zip(at_once(calls, self.threads), paths, strict=True):
                write_file(data, path, overwrite)
                written.append(path)
        except OutputError:
            for path in [] if overwrite else written:  # all of them, or none
                path.unlink(missing_ok=True)
            raise
        return paths

    def _encode(self, kind: str, output: OutputOptions) -> bytes:
        if kind == "palette":
            return self.palette.to_json().encode()
        if kind == "svg":
            return self._to_svg().encode()
        pixels = self._pixels(kind, self._kept_part() if output.crop else _ALL)
        if output.size:
            pixels = reduce_picture(pixels, output.size, is_label_map=kind == "labels")
        if kind in OWN_FORMATS:
            return encode_image(_with_palette(pixels) if kind == "labels" else pixels, "png")
        if output.metadata == "strip":
            return encode_image(pixels, output.format, quality=output.quality)
        exif = filter_exif(self.exif, output.metadata)
        return encode_image(pixels, output.format, exif, srgb_profile(), output.quality)

    def _to_svg(self) -> str:
        from engine.cartoon.svg import to_svg  # with kernels that pictures do without

        colours, (height, width) = self.palette.rgb, self.alpha.shape
        title = self.name.rpartition("/")[2]
        return to_svg(self.shapes, colours, (height, width), self.paper, title)

    def _pixels(self, kind: str, part: tuple[slice, slice]) -> NDArray[np.uint8]:
        match kind:
            case "cutout":
                return self.cutout[part]
            case "cartoon":
                return self.cartoon[part]
            case "mask":
                return np.asarray(np.rint(self.alpha[part] * np.float32(255)), np.uint8)
            case "labels":
                return self.label_map[part]
        return np.hstack([picture[part] for picture in self._alike()])

    def _alike(self) -> tuple[NDArray[np.uint8], ...]:
        """photo, cut-out and cartoon, of one size and with as many channels."""
        height, width, channels = self.cutout.shape
        photo = self.photo
        if photo.shape[:2] != (height, width):
            photo = np.asarray(cv2.resize(photo, (width, height)))
        if channels == 4:
            photo = np.dstack([photo, np.full((height, width), 255, np.uint8)])
        return photo, self.cutout, self.cartoon

    def _kept_part(self) -> tuple[slice, slice]:
        """Rows and columns of what is kept, with a margin; all where nothing is."""
        left, top, width, height = cv2.boundingRect(self._pixels("mask", _ALL))
        if not width:
            return _ALL
        margin = round(CROP_MARGIN * max(width, height))
        return (
            slice(max(0, top - margin), top + height + margin),
            slice(max(0, left - margin), left + width + margin),
        )

    def _check(self, output: OutputOptions) -> None:
        refuse_shapes(output.kinds, self.style)
        if self.cutout.shape[2] == 4:
            refuse_transparency(output.kinds, output.format)


def output_paths(folder: Path, name: str, which: Sequence[str], format: str) -> list[Path]:
    """The files that `Result.save` writes, in the order of `which`."""
    return [folder / f"{name}_{_ending(kind, format)}" for kind in which]


def check_name(name: str, paths: Sequence[Path]) -> None:
    """Raises OutputError when `name` cannot be that of `paths`, its files below a folder."""
    if not name or name.endswith("/"):
        problem = "it is empty"
    elif "\0" in name:
        problem = "it holds a NUL"
    elif name.startswith("/") or ".." in name.split("/"):
        problem = "it leads out of the folder"
    elif any(len(path.name.encode(errors="replace")) > LONGEST_NAME for path in paths):
        problem = f"with what is added, it is longer than {LONGEST_NAME} bytes"
    else:
        return
    raise OutputError(f"{name!r} cannot be the name of files: {problem}. Give another name.")


def refuse_transparency(which: Sequence[str], format: str) -> None:
    """Raises OptionError when a picture with an alpha channel would become a jpg."""
    if format == "jpg" and not OWN_FORMATS.keys() >= set(which):
        raise OptionError("jpg holds no transparency; use png or webp.")


def refuse_shapes(which: Sequence[str], style: str) -> None:
    """Raises OptionError when shapes are asked of a style that has none."""
    if style == "classic" and "svg" in which:
        message = "svg: a classic drawing is made of pixels, not of shapes."
        others = ", ".join(name for name in STYLES if name != "classic")
        raise OptionError(message, option="style", advice=f"Choose another {{}}: {others}.")


def _ending(kind: str, format: str) -> str:
    """Of a file's name: its kind and its suffix."""
    return "cartoon.svg" if kind == "svg" else f"{kind}.{OWN_FORMATS.get(kind, format)}"


def _on_white(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture's colours by its own alpha channel, if it has one."""
    if picture.shape[2] == 3:
        return picture
    alpha = np.asarray(picture[..., 3] / np.float32(255), np.float32)
    return blend(np.ascontiguousarray(picture[..., :3]), alpha, WHITE)


def _with_palette(label_map: NDArray[np.uint8]) -> Image.Image:
    image = Image.fromarray(label_map)
    image.putpalette(voc_colours().tobytes())
    return image
