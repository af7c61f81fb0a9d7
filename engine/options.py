"""The options of each stage: frozen, checked when built."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from engine.errors import OptionError, did_you_mean

MAX_MEGAPIXELS = 200.0
MAX_EDGE = 1e6  # OpenCV's Canny counts in 32 bits
LEAST_THRESHOLD = 1e-6
EDGES = ("refined", "soft")
NAMED_BACKGROUNDS = ("white", "transparent", "original", "none")
KINDS = ("cutout", "cartoon", "mask", "labels", "compare")
PNG_KINDS = frozenset({"mask", "labels"})  # exact, whatever the others are
FORMATS = ("png", "jpg", "webp")
POLICIES = ("copy-safe", "keep", "strip")


@dataclass(frozen=True)
class SegmentOptions:
    """Which classes are kept, and by which rules."""

    keep: str | tuple[str, ...] | None = None
    """Class names of the model, or "all" but the background. None: the person; in classic, all."""

    classic: bool = False
    """The document's pipeline, pixel for pixel: shorter side 450, argmax, alpha per channel."""

    def __post_init__(self) -> None:
        if self.keep is not None and not self.keep:
            raise OptionError("keep names no class. Give class names, or 'all'.")

    @property
    def kept_names(self) -> tuple[str, ...]:
        """The classes asked for: ("all",) or names."""
        if self.keep is None:
            return ("all",) if self.classic else ("person",)
        names = self.keep.split(",") if isinstance(self.keep, str) else self.keep
        return tuple(name.strip().lower() for name in names)


@dataclass(frozen=True)
class CutoutOptions:
    """How the kept classes are cut out, and what is laid behind them."""

    background: str = "white"
    """white, transparent, #rrggbb, a picture's path, original (the scene stays), none (no cut)."""

    threshold: float = 0.5
    """Probability, 1e-6 to 1 - 1e-6, above which a pixel is kept."""

    edges: str = "refined"
    """refined (they follow the photo, and no old background shines through) or soft (as in
    classic: cut at the threshold and blurred). Classic is always soft."""

    clean: bool = True
    """Drop small islands that are nowhere surely kept, and fill unsure pinholes. Not in classic."""

    def __post_init__(self) -> None:
        if self.edges not in EDGES:
            raise OptionError(f"edges {self.edges!r}: {did_you_mean(self.edges, EDGES)}")
        if not LEAST_THRESHOLD <= self.threshold <= 1 - LEAST_THRESHOLD:
            raise OptionError(f"threshold is {self.threshold}; it lies between 0 and 1.")
        if not self.background:
            raise OptionError("background is empty; " + _BACKGROUNDS)
        if self.background.startswith("#") and not re.fullmatch("#[0-9a-fA-F]{6}", self.background):
            raise OptionError(f"background {self.background} is no colour; " + _BACKGROUNDS)


_BACKGROUNDS = "give white, transparent, #rrggbb, original, none or a picture's path."


@dataclass(frozen=True)
class CartoonOptions:
    """The constants of the K-histogram method; the defaults are the document's."""

    smooth_sigma: float = 50.0
    """Both sigmas of the bilateral filter: levels of colour and pixels of distance; above 0."""

    edge_low: float = 100.0
    """Canny's lower threshold, gradient in levels, 0 to edge_high."""

    edge_high: float = 200.0
    """Canny's upper threshold, gradient in levels, at most 1e6."""

    split_p_value: float = 0.001
    """A group whose counts are normal with a smaller p is split; 0..1."""

    min_group_levels: int = 80
    """Groups with fewer levels in use are never split; 8..256."""

    def __post_init__(self) -> None:
        if not 0 < self.smooth_sigma < math.inf:
            raise OptionError(f"smooth_sigma is {self.smooth_sigma}; it is above 0.")
        if not 0 <= self.edge_low <= self.edge_high <= MAX_EDGE:
            raise OptionError(
                f"edge_low is {self.edge_low}, edge_high {self.edge_high}; "
                f"0 <= edge_low <= edge_high <= {MAX_EDGE:g}."
            )
        if not 0 <= self.split_p_value <= 1:
            raise OptionError(f"split_p_value is {self.split_p_value}; it lies in 0..1.")
        if self.min_group_levels not in range(8, 257):
            raise OptionError(f"min_group_levels is {self.min_group_levels}; it lies in 8..256.")


@dataclass(frozen=True)
class OutputOptions:
    """Which pictures are saved of each photo, and how they are encoded."""

    kinds: tuple[str, ...] = ("cutout", "cartoon")
    """Of cutout, cartoon, mask, labels and compare (photo, cut-out and cartoon side by side)."""

    format: str = "png"
    """png, jpg or webp. Masks and labels are exact, and always png."""

    quality: int | None = None
    """1..100, of jpg and webp. None: 95 for jpg, 92 for webp."""

    metadata: str = "copy-safe"
    """From photo to pictures: copy-safe (but not the place), keep or strip."""

    crop: bool = False
    """Whether pictures are cropped to what is kept, with a margin."""

    size: int | None = None
    """Pixels of the longer side, 1..65535: larger pictures are reduced to it. None: the photo's."""

    def __post_init__(self) -> None:
        for kind in self.kinds:
            if kind not in KINDS:
                raise OptionError(
                    f"{kind!r} cannot be saved; expected {', '.join(KINDS)}.", option="save"
                )
        if not self.kinds:
            raise OptionError(f"nothing to save; expected some of {', '.join(KINDS)}.")
        if self.format not in FORMATS:
            raise OptionError(f"format {self.format!r}: expected {', '.join(FORMATS)}.")
        if self.quality is not None and self.quality not in range(1, 101):
            raise OptionError(f"quality is {self.quality}; it lies in 1..100.")
        if self.size is not None and self.size not in range(1, 65_536):
            raise OptionError(f"size is {self.size}; it lies in 1..65535.")
        if self.metadata not in POLICIES:
            raise OptionError(
                f"metadata {self.metadata!r}: {did_you_mean(self.metadata, POLICIES)}"
            )
