"""A result on a screen: as HTML in a notebook, or in a window."""

from __future__ import annotations

import base64
import colorsys
import html
import io
import math
import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from engine.cartoon.colours import to_rgb
from engine.errors import OutputError
from engine.text import printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 360
"""Pixels of a thumbnail's longer side."""
MOST_SHOWN = 24
"""As many colours of a cartoon are shown."""
_CHECKERS = "repeating-conic-gradient(#bbb 0 25%, #eee 0 50%) 0 0 / 16px 16px"


def to_html(
    name: str,
    pictures: Mapping[str, NDArray[np.uint8]],
    colours: Sequence[str],
    levels: Mapping[str, Sequence[int]],
) -> str:
    """The pictures side by side, with their colours as swatches; needs nothing but itself."""
    name = html.escape(printable(name))
    figures = "".join(
        f'<figure style="margin:0"><img alt="{what} of {name}" src="{data_uri(pixels, SIDE)}" '
        f'style="max-width:100%;background:{_CHECKERS}"><figcaption>{what}</figcaption></figure>'
        for what, pixels in pictures.items()
    )
    return (
        '<div style="font:13px sans-serif"><div style="display:flex;gap:8px;flex-wrap:wrap">'
        f"{figures}</div>{swatches(colours, levels)}</div>"
    )


def swatches(colours: Sequence[str], levels: Mapping[str, Sequence[int]]) -> str:
    """Coloured boxes: a cartoon's own colours, "#rrggbb", then the levels of each channel.

    There are no style attributes, which a page's security policy would have to allow.
    """
    rows = []
    if colours:
        shown = colours[:MOST_SHOWN]
        rows.append(("in the cartoon", [(colour, colour) for colour in shown]))
    known = _shades(levels)
    for channel, found in levels.items():
        if channel not in known or not found:
            continue
        boxes = [(f"{channel} {level}", swatch_colour(channel, level, levels)) for level in found]
        rows.append((f"{channel} {', '.join(map(str, found))}", boxes))
    return "".join(
        f"<div>{''.join(_swatch(*box) for box in boxes)} <small>{text}</small></div>"
        for text, boxes in rows
    )


def _swatch(title: str, colour: str) -> str:
    title, colour = html.escape(title), html.escape(colour)
    return (
        f'<svg width="22" height="22"><title>{title}</title>'
        f'<rect width="22" height="22" fill="{colour}" stroke="#888"/></svg>'
    )


def data_uri(pixels: NDArray[np.uint8], side: int) -> str:
    """A picture of at most `side` pixels a side, as a WebP file in a data: URI."""
    image = Image.fromarray(pixels)
    image.thumbnail((side, side), reducing_gap=2)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=80)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def show(picture: Image.Image, title: str) -> None:
    """Opens a picture in the system's viewer.

    Raises OutputError where there is no screen.
    """
    has_screen = sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    if not has_screen:
        raise OutputError("no screen to show it on; save it: result.save(folder, ['compare']).")
    picture.show(title=title)


def swatch_colour(channel: str, level: int, channels: Collection[str]) -> str:
    """A colour that shows a level of one of a drawing's `channels`, "#rrggbb".

    Hues are shown at full colour, saturations and chromas of red, values and lightnesses of grey.
    """
    return "#" + bytes(_shades(channels)[channel](level)).hex()


def _shades(channels: Collection[str]) -> Mapping[str, Callable[[int], Iterable[int]]]:
    return _LAB if "lightness" in channels else _HSV


def _of_hsv(hue: float, saturation: float, value: float) -> Iterable[int]:
    return (round(255 * part) for part in colorsys.hsv_to_rgb(hue, saturation, value))


def _of_lab(lightness: float, chroma: float, hue: float) -> Iterable[int]:
    lab = (lightness, chroma * math.cos(hue), chroma * math.sin(hue))
    return map(int, to_rgb(np.array([lab], np.float32))[0])


# Classic reads red, green and blue as blue, green and red. Therefore its hue h, in half degrees,
# stands for the colour of hue 120 - h.
_HSV: dict[str, Callable[[int], Iterable[int]]] = {
    "hue": lambda level: _of_hsv((120 - level) % 180 / 180, 1.0, 1.0),
    "saturation": lambda level: _of_hsv(0.0, level / 255, 1.0),
    "value": lambda level: _of_hsv(0.0, 0.0, level / 255),
}
# Levels are L* in 255 steps, half units of chroma, and half degrees.
_LAB: dict[str, Callable[[int], Iterable[int]]] = {
    "lightness": lambda level: _of_lab(level * 100 / 255, 0.0, 0.0),
    "chroma": lambda level: _of_lab(55.0, level / 2, math.radians(35)),
    "hue": lambda level: _of_lab(65.0, 60.0, math.radians(2 * level)),
}
