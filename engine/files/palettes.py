"""A palette as JSON: an object that we wrote, or a list of colours that anybody did."""

from __future__ import annotations

import json
from collections.abc import Sequence
from reprlib import repr as shorten  # of values that may be long, or hold terminal escapes
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.errors import OptionError
from engine.options import parse_colour

LONGEST_TEXT = 1 << 16
"""Bytes; 255 colours take less than half of it."""
KEYS = frozenset({"colours", "lab", "share"})

Numbers: TypeAlias = NDArray[np.float32]


def write_palette(colours: Sequence[str], lab: Numbers, share: Numbers) -> str:
    """JSON of colours, "#rrggbb", with Lab colours (N, 3) and shares (N,), which stay as exact."""
    rows = [list(map(_shorten, row)) for row in lab]
    parts = {"colours": list(colours), "lab": rows, "share": list(map(_shorten, share))}
    lines = (f' "{name}": {json.dumps(values)}' for name, values in parts.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def parse_palette(
    text: str | bytes, where: str, most: int
) -> tuple[NDArray[np.uint8], Numbers | None, Numbers | None]:
    """Colours, uint8 (N, 3) RGB, and where they are given Lab colours (N, 3) and shares (N,).

    Raises OptionError, which says `where` the text is from, for anything but a list of 1 to `most`
    colours as CSS writes them, or an object with such a list.
    """
    if len(text) > LONGEST_TEXT:
        raise OptionError(f"{where}: longer than {LONGEST_TEXT:,} bytes, which no palette is.")
    try:
        values = json.loads(text)
        if isinstance(values, list):
            values = {"colours": values}
        if not isinstance(values, dict) or not {"colours"} <= values.keys() <= KEYS:
            raise ValueError(f"expected a list of colours, found {shorten(values)}")
        rgb = _to_rgb(values["colours"], most)
        lab = _to_numbers(values["lab"], (len(rgb), 3)) if "lab" in values else None
        share = _to_numbers(values["share"], (len(rgb),)) if "share" in values else None
    except (ValueError, RecursionError) as error:
        problem = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise OptionError(
            f'{where}: not a palette: {problem}. Expected {{"colours": ["#aabbcc", ...]}}.'
        ) from error
    return rgb, lab, share


def _to_rgb(colours: Any, most: int) -> NDArray[np.uint8]:
    if not isinstance(colours, list) or not 1 <= len(colours) <= most:
        raise ValueError(f"expected a list of 1 to {most} colours, found {shorten(colours)}")
    rgb = []
    for colour in colours:
        levels = parse_colour(colour) if isinstance(colour, str) else None
        if levels is None:
            raise ValueError(f"{shorten(colour)} is not a colour as CSS writes it, such as #aabbcc")
        rgb.append(levels)
    return np.array(rgb, np.uint8)


def _to_numbers(value: Any, shape: tuple[int, ...]) -> Numbers:
    """Lists of numbers as an array; `shape` says how long they are."""

    def check(part: Any, lengths: tuple[int, ...]) -> Any:
        if not lengths:
            if type(part) not in (int, float) or not abs(part) <= 1e6:  # nor NaN
                raise ValueError(f"expected a number, found {shorten(part)}")
            return float(part)
        if not isinstance(part, list) or len(part) != lengths[0]:
            raise ValueError(f"expected a list of {lengths[0]}, found {shorten(part)}")
        return [check(item, lengths[1:]) for item in part]

    return np.array(check(value, shape), np.float32)


def _shorten(number: np.float32) -> float:
    """With no more digits than tell it from other float32."""
    return float(f"{number:.9g}")
