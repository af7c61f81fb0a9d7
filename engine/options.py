"""The options of each stage: frozen, checked when built.

Classic is the method as published in a 2021 project description of DeepLabV3 + K-histogram
cartoons; docs/method.md has its rules.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, TypeAlias

from engine.errors import OptionError, did_you_mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from engine.cartoon.colours import Palette

Background: TypeAlias = (
    "str | os.PathLike[str] | tuple[int, int, int] | Image.Image | NDArray[np.uint8]"
)

MAX_MEGAPIXELS = 200.0
MAX_SIZE = 65_535  # of a JPEG
MAX_EDGE = 1e6  # OpenCV's Canny counts in 32 bits
LEAST_THRESHOLD = 1e-6
PROVIDERS = ("auto", "cpu", "cuda", "tensorrt", "openvino", "coreml", "directml")
EDGES = ("refined", "soft")
NAMED_BACKGROUNDS = ("white", "transparent", "original", "blur", "none")
PICTURES = ("cutout", "cartoon", "mask", "labels", "compare")
KINDS = (*PICTURES, "svg", "palette")
OWN_FORMATS = {"mask": "png", "labels": "png", "svg": "svg", "palette": "json"}
"""Of kinds that are exact, or no pictures of pixels, whatever the format of the others."""
FORMATS = ("png", "jpg", "webp")
POLICIES = ("copy-safe", "keep", "strip")
KNOBS = frozenset({"colours", "lines", "detail", "vivid", "palette"})
"""What can be changed of all styles but classic."""
CLASSIC_CONSTANTS = frozenset({"smooth_sigma", "edge_low", "edge_high"})
STYLES = ("comic", "poster", "ink", "classic")
LEAST_COLOURS, MOST_COLOURS = 2, 64
MOST_WEIGHT = 2.0
"""Of lines, detail and vivid; 1 is the style's own."""


@dataclass(frozen=True)
class SegmentOptions:
    """Which classes are kept, and by which rules."""

    keep: str | tuple[str, ...] | None = None
    """Class names of the model, or "all" but the background. None: the person; in classic, all."""

    classic: bool = False
    """Classic mode, pixel for pixel: shorter side 450, argmax, alpha per channel."""

    precise: bool = False
    """Let the network look again at each person, at most eight, from a distance that suits the
    person's size. It takes half as long again for each. Not in classic."""

    def __post_init__(self) -> None:
        if self.classic and self.precise:
            message = "classic runs the network once, on the whole photo."
            raise OptionError(message, option="precise", advice="Leave out {}.")
        if self.keep is None:
            return
        if not isinstance(self.keep, Collection) or not all(isinstance(n, str) for n in self.keep):
            raise OptionError(f"keep is {self.keep!r}; expected class names, or 'all'.")
        if not self.keep:
            raise OptionError("keep names no class. Give class names, or 'all'.")

    @property
    def kept_names(self) -> tuple[str, ...]:
        """The classes asked for: ("all",) or names."""
        if self.keep is None:
            return ("all",) if self.classic else ("person",)
        names = self.keep.split(",") if isinstance(self.keep, str) else self.keep
        return tuple(name.strip().lower() for name in names)

    @property
    def nothing_found(self) -> str:
        """What a photo without any of them is warned of."""
        kept = self.kept_names
        return f"no {'object' if 'all' in kept else ' or '.join(kept)} found, nothing is kept"


@dataclass(frozen=True, eq=False)
class CutoutOptions:
    """How the kept classes are cut out, and what is laid behind them.

    Backgrounds that are arrays or pictures in memory are equal only to themselves.
    """

    background: Background = "white"
    """transparent, original (the scene stays), blur (the scene, blurred), none (no cut); a colour
    as CSS writes it (white, #fff, #ffffff, "rgb(255, 255, 255)") or as (r, g, b), 0..255; or a
    picture: its path, a PIL.Image or a uint8 array. A file called red is "./red"."""

    threshold: float = 0.5
    """Probability, 1e-6 to 1 - 1e-6, above which a pixel is kept."""

    edges: str = "refined"
    """refined (they follow the photo, and no old background shines through) or soft (as in
    classic: cut at the threshold and blurred). Classic is always soft."""

    clean: bool = True
    """Drop small islands that are nowhere surely kept, and fill unsure pinholes. Not in classic."""

    people: str | int = "all"
    """How many are kept, the largest first: all, largest, or a number from 1. People who touch each
    other in the picture count as one, and so does whatever else of the kept classes hangs together.
    Not in classic."""

    def __post_init__(self) -> None:
        _check_background(self.background)
        if self.edges not in EDGES:
            raise OptionError(f"edges {self.edges!r}: {did_you_mean(str(self.edges), EDGES)}")
        if not (
            _are_real(self.threshold) and LEAST_THRESHOLD <= self.threshold <= 1 - LEAST_THRESHOLD
        ):
            raise OptionError(f"threshold is {self.threshold!r}; it lies between 0 and 1.")
        if not re.fullmatch("all|largest|[1-9][0-9]{,8}", str(self.people)):
            raise OptionError(f"people is {self.people!r}; expected all, largest or 1, 2, 3, ...")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CutoutOptions) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def most_people(self) -> int | None:
        """How many are kept; None for all."""
        match self.people:
            case "all":
                return None
            case "largest":
                return 1
        return int(self.people)

    @property
    def _identity(self) -> tuple[object, ...]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        if _is_picture(self.background):
            values["background"] = id(self.background)
        return tuple(values.values())


@dataclass(frozen=True)
class CartoonOptions:
    """How the cartoon is drawn: its style, and what may be changed of it."""

    style: str | None = None
    """comic, poster (without lines), ink (greys) or classic (as published, with the constants
    below). None: comic; in classic mode, classic."""

    colours: int | None = None
    """At most so many, 2..64. None: as many as the photo needs, up to the style's own limit. Not in
    classic."""

    lines: float = 1.0
    """Weight of the lines and the outline, 0 (none) to 2. Not in classic."""

    detail: float = 1.0
    """How much of what is small is kept, 0..2. Not in classic."""

    vivid: float = 1.0
    """How strong colours are, 0..2. Not in classic."""

    palette: Palette | None = None
    """The colours of another drawing, all of which may be in this one. None: the photo's own. Not
    in classic."""

    smooth_sigma: float = 50.0
    """Both sigmas of the bilateral filter: levels of colour and pixels of distance; above 0. In
    classic only."""

    edge_low: float = 100.0
    """Canny's lower threshold, gradient in levels, 0 to edge_high. In classic only."""

    edge_high: float = 200.0
    """Canny's upper threshold, gradient in levels, at most 1e6. In classic only."""

    split_p_value: float = 0.001
    """A group whose counts are normal with a smaller p is split; 0..1."""

    min_group_levels: int = 80
    """Groups with fewer levels in use are never split; 8..256."""

    def __post_init__(self) -> None:
        if self.style is not None and self.style not in STYLES:
            raise OptionError(f"style {self.style!r}: {did_you_mean(str(self.style), STYLES)}")
        self._check_knobs()
        if self.style is not None:
            self._refuse_what_others_know()
        self._check_constants()

    def in_mode(self, classic: bool) -> CartoonOptions:
        """With the style that None stands for. Raises OptionError when classic mode has another."""
        style = self.style or ("classic" if classic else "comic")
        if classic and style != "classic":
            raise OptionError(f"classic mode has no style {style}; leave one of them out.")
        return self if self.style else replace(self, style=style)

    def _check_knobs(self) -> None:
        if self.colours is not None and not _is_whole(self.colours, LEAST_COLOURS, MOST_COLOURS):
            raise OptionError(
                f"colours is {self.colours!r}; it lies in {LEAST_COLOURS}..{MOST_COLOURS}."
            )
        for name in ("lines", "detail", "vivid"):
            value = getattr(self, name)
            if not (_are_real(value) and 0 <= value <= MOST_WEIGHT):
                raise OptionError(f"{name} is {value!r}; it lies in 0..{MOST_WEIGHT:g}.")
        if self.palette is not None:
            _check_palette(self.palette)

    def _refuse_what_others_know(self) -> None:
        """Raises OptionError for what is set, and means nothing in this style."""
        is_classic = self.style == "classic"
        unknown = KNOBS if is_classic else CLASSIC_CONSTANTS
        knowing = STYLES[:-1] if is_classic else STYLES[-1:]
        for field in fields(self):
            if field.name in unknown and getattr(self, field.name) != field.default:
                raise OptionError(
                    f"the style {self.style} has no {field.name}; expected {', '.join(knowing)}.",
                    option="style",
                    advice="Choose one with {}.",
                )

    def _check_constants(self) -> None:
        if not (_are_real(self.smooth_sigma) and 0 < self.smooth_sigma < math.inf):
            raise OptionError(f"smooth_sigma is {self.smooth_sigma!r}; it is above 0.")
        if not (
            _are_real(self.edge_low, self.edge_high)
            and 0 <= self.edge_low <= self.edge_high <= MAX_EDGE
        ):
            raise OptionError(
                f"edge_low is {self.edge_low!r}, edge_high {self.edge_high!r}; "
                f"0 <= edge_low <= edge_high <= {MAX_EDGE:g}."
            )
        if not (_are_real(self.split_p_value) and 0 <= self.split_p_value <= 1):
            raise OptionError(f"split_p_value is {self.split_p_value!r}; it lies in 0..1.")
        if self.min_group_levels not in range(8, 257):
            raise OptionError(f"min_group_levels is {self.min_group_levels!r}; it lies in 8..256.")


@dataclass(frozen=True)
class OutputOptions:
    """Which pictures are saved of each photo, and how they are encoded."""

    kinds: tuple[str, ...] = ("cutout", "cartoon")
    """Of cutout, cartoon, mask, labels, compare (photo, cut-out and cartoon side by side), svg (the
    cartoon as shapes; not in classic) and palette (its colours, as JSON)."""

    format: str = "png"
    """png, jpg or webp. Masks and labels are exact, and always png; shapes are svg, palettes json.
    """

    quality: int | None = None
    """1..100, of jpg and webp. None: 95 for jpg, 92 for webp."""

    metadata: str = "copy-safe"
    """From photo to pictures: copy-safe (but not the place), keep or strip."""

    crop: bool = False
    """Whether pictures are cropped to what is kept, with a margin. Shapes never are."""

    size: int | None = None
    """Pixels of a file's longer side, 1..65535: larger pictures are reduced to it. None: as large
    as the photo."""

    def __post_init__(self) -> None:
        known = f"expected some of {', '.join(KINDS)}."
        if not isinstance(self.kinds, tuple) or not self.kinds:
            raise OptionError(f"nothing to save in {self.kinds!r}; {known}", option="save")
        for kind in self.kinds:
            if kind not in KINDS:
                raise OptionError(f"{kind!r} cannot be saved; {known}", option="save")
        if self.format not in FORMATS:
            raise OptionError(f"format {self.format!r}: expected {', '.join(FORMATS)}.")
        if self.quality is not None and not _is_whole(self.quality, 1, 100):
            raise OptionError(f"quality is {self.quality!r}; it lies in 1..100.")
        if self.size is not None and not _is_whole(self.size, 1, MAX_SIZE):
            raise OptionError(f"size is {self.size!r}; it lies in 1..{MAX_SIZE}.")
        if self.metadata not in POLICIES:
            hint = did_you_mean(str(self.metadata), POLICIES)
            raise OptionError(f"metadata {self.metadata!r}: {hint}")


def parse_colour(text: str) -> tuple[int, int, int] | None:
    """The levels, 0..255, of an opaque colour as CSS writes it; None for any other text."""
    from PIL import ImageColor  # the command line's help does without Pillow

    try:
        levels = ImageColor.getrgb(text)
    except ValueError:
        return None
    if len(levels) != 3 or not all(0 <= level <= 255 for level in levels):
        return None
    return levels


def _check_palette(palette: object) -> None:
    from engine.cartoon.colours import Palette  # the command line's help does without NumPy

    if not isinstance(palette, Palette):
        raise OptionError(f"palette is a {type(palette).__name__}; expected a Palette.")
    if not palette.share.any():
        raise OptionError("the palette is that of a drawing of nothing; it holds no colour.")


def _check_background(background: Any) -> None:
    if isinstance(background, str):
        is_colour = re.fullmatch(r"#.*|(rgb|hs[lvb])a?\(.*\)", background, re.IGNORECASE)
        if background and not (is_colour and parse_colour(background) is None):
            return
    elif isinstance(background, tuple):
        if len(background) == 3 and all(_is_whole(level, 0, 255) for level in background):
            return
    elif isinstance(background, os.PathLike) or _is_picture(background):
        return
    raise OptionError(
        f"background {background!r}: expected {', '.join(NAMED_BACKGROUNDS)}, a colour "
        "(red, #fff, #ffffff, rgb(255, 255, 255)) or a picture."
    )


def _is_picture(background: object) -> bool:
    """Whether it is an array or a PIL.Image; neither library has to be loaded for that."""
    return hasattr(type(background), "__array_interface__")


def _is_whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, Integral) and least <= int(value) <= most


def _are_real(*values: object) -> bool:
    return all(isinstance(value, Real) for value in values)
