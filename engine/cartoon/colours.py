"""The colours of a drawing: found, compared, written as JSON, and read from what anybody wrote."""

from __future__ import annotations

import hashlib
import math
import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import OptionError
from engine.files.palettes import LONGEST_TEXT, parse_palette, write_palette
from engine.files.writing import write_file
from engine.once import computed_once

MOST_COLOURS = 255
"""Of a palette: a drawing's labels are uint8, and one of them stands for nothing."""
_SHARE_SLACK = 1e-3
_LARGEST_LAB = (100.0, 200.0, 200.0)  # sRGB stays within 100, 99 and 108
_SAMPLE = 1 << 17  # pixels: 7 ms, whatever the size of the picture


@dataclass(frozen=True, eq=False)
class Palette:
    """The colours of a drawing, 0 (nothing was drawn) to 255 of them.

    The arrays are copied, and cannot be changed. Palettes with equal values are equal.
    Raises OptionError for other shapes, and for values out of their range.
    """

    rgb: NDArray[np.uint8]
    """(N, 3), as painted."""
    lab: NDArray[np.float32]
    """(N, 3), CIE L* 0..100, a*, b*: the colours of the photo that each stands for."""
    share: NDArray[np.float32]
    """(N,) of what is drawn; sums to 1, or all are zero."""

    def __post_init__(self) -> None:
        for name, dtype in (("rgb", np.uint8), ("lab", np.float32), ("share", np.float32)):
            values = _to_array(name, getattr(self, name), dtype)
            values.flags.writeable = False
            object.__setattr__(self, name, values)
        count = len(self.share) if self.share.ndim == 1 else -1
        if self.rgb.shape != (count, 3) or self.lab.shape != (count, 3) or count > MOST_COLOURS:
            shapes = ", ".join(str(getattr(self, field.name).shape) for field in fields(self))
            raise OptionError(
                f"palette of shapes {shapes}; expected (N, 3), (N, 3) and (N,), N up to "
                f"{MOST_COLOURS}."
            )
        if not (np.abs(self.lab) <= _LARGEST_LAB).all() or (self.lab[:, 0] < 0).any():
            raise OptionError("palette: a Lab colour that there is not; L* lies in 0..100.")
        if not (self.share >= 0).all() or not _is_whole_or_nothing(self.share):
            raise OptionError("palette: its shares are not parts of a whole; leave them out.")

    @classmethod
    def of_colours(cls, rgb: NDArray[np.uint8]) -> Palette:
        """Colours, uint8 (N, 3) RGB, that stand for themselves, with equal shares.

        Raises OptionError for anything else.
        """
        rgb = _to_array("rgb", rgb, np.uint8)
        if rgb.ndim != 2 or rgb.shape[1] != 3:
            raise OptionError(f"palette: rgb of shape {rgb.shape}; expected (N, 3).")
        share = np.full(len(rgb), 1 / max(1, len(rgb)), np.float32)
        return cls(rgb, to_lab(rgb), share)

    @classmethod
    def of_picture(cls, picture: NDArray[np.uint8], alpha: NDArray[np.float32]) -> Palette:
        """The commonest colours of what is kept of a picture, at most 255, the commonest first.

        They are counted on a sample of about 130,000 pixels, where `alpha` is largest (within
        1 %): elsewhere the picture is mixed with what lies behind it. There are none when nothing
        is kept.

        Parameters
        ----------
        picture : uint8 (H, W, 3) RGB or (H, W, 4) RGBA
        alpha : float32 (H, W), 0..1
        """
        step = max(1, math.isqrt(alpha.size // _SAMPLE))
        picture, alpha = picture[::step, ::step, :3], alpha[::step, ::step]
        pixels = picture[alpha > 0.99 * alpha.max()].astype(np.uint32)
        packed = pixels[:, 0] << 16 | pixels[:, 1] << 8 | pixels[:, 2]
        colours, counts = np.unique(packed, return_counts=True)
        commonest = np.argsort(-counts, kind="stable")[:MOST_COLOURS]
        colours, counts = colours[commonest], counts[commonest]
        rgb = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1).astype(np.uint8)
        return cls(rgb, to_lab(rgb), (counts / max(1, counts.sum())).astype(np.float32))

    @classmethod
    def from_json(cls, text: str | bytes, where: str = "palette") -> Palette:
        """The palette in a text: as `to_json` writes it, or a list of colours as CSS writes them.

        `where` is what messages call the text. Raises OptionError for anything else.
        """
        rgb, lab, share = parse_palette(text, where, MOST_COLOURS)
        plain = cls.of_colours(rgb)
        try:
            return cls(
                rgb, plain.lab if lab is None else lab, plain.share if share is None else share
            )
        except OptionError as error:
            raise OptionError(f"{where}: {error.message}") from error

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Palette:
        """The palette in a JSON file. Raises OptionError when it cannot be read, or holds none."""
        try:
            with open(path, "rb") as file:
                text = file.read(LONGEST_TEXT + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise OptionError(f"{os.fspath(path)}: cannot be read: {reason}.") from error
        return cls.from_json(text, os.fspath(path))

    def to_json(self) -> str:
        """An object with "colours" ("#rrggbb"), "lab" and "share"; `from_json` gives it back."""
        return write_palette(self.css, self.lab, self.share)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Writes the JSON file. Raises OutputError when it exists or cannot be written."""
        write_file(self.to_json().encode(), Path(path), overwrite)

    @property
    def css(self) -> list[str]:
        """The painted colours, "#rrggbb", in their order."""
        return ["#" + bytes(colour).hex() for colour in self.rgb]

    @property
    def by_share(self) -> list[str]:
        """Those of `css` that are in use, the commonest first."""
        css, order = self.css, np.argsort(-self.share, kind="stable")
        return [css[index] for index in order if self.share[index] > 0]

    @computed_once
    def digest(self) -> str:
        """The same for equal palettes, and for no others."""
        data = self.rgb.tobytes() + self.lab.tobytes() + self.share.tobytes()
        return hashlib.blake2b(data, digest_size=16).hexdigest()

    def __len__(self) -> int:
        return len(self.share)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Palette) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Palette({len(self)} colours, {' '.join(self.css[:8])}{' …' * (len(self) > 8)})"

    def _repr_html_(self) -> str:
        """How a notebook shows it: a box for each colour, as wide as its share."""
        boxes = "".join(
            f'<span title="{colour} {share:.1%}" style="background:{colour};'
            f'flex:{max(0.02, share):.3f}"></span>'
            for colour, share in zip(self.css, self.share, strict=True)
        )
        return f'<div style="display:flex;height:32px">{boxes}</div>'


def to_lab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """CIE L*, a*, b* (D65), float32 (N, 3), of sRGB colours, uint8 (N, 3)."""
    if not len(rgb):
        return np.zeros((0, 3), np.float32)
    unit = np.asarray(rgb, np.float32)[None] / np.float32(255)
    return np.asarray(cv2.cvtColor(unit, cv2.COLOR_RGB2LAB), np.float32).reshape(-1, 3)


def to_rgb(lab: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The nearest sRGB colours, uint8 (N, 3), of CIE L*, a*, b* (D65), float32 (N, 3), N >= 1."""
    unit = cv2.cvtColor(np.asarray(lab, np.float32)[None], cv2.COLOR_LAB2RGB)
    return np.asarray(np.rint(np.clip(unit[0], 0, 1) * 255), np.uint8)


def _to_array(name: str, values: Any, dtype: type[np.generic]) -> NDArray[Any]:
    """A copy. Raises OptionError for what is not numbers, and for levels that are not 0..255."""
    try:
        with np.errstate(all="ignore"):  # what overflows is refused here, or by its range
            array = np.array(values, dtype, order="C")
    except (TypeError, ValueError, OverflowError) as error:
        raise OptionError(f"palette: {name} is not an array of numbers: {error}") from None
    if dtype is np.uint8 and not np.array_equal(array, values):
        raise OptionError(f"palette: {name} has other levels than 0..255.")
    return array


def _is_whole_or_nothing(share: NDArray[np.float32]) -> bool:
    total = float(share.sum(dtype=np.float64))
    return total == 0 or abs(total - 1) <= _SHARE_SLACK
