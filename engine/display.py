"""A result on a screen: as HTML in a notebook, or in a window."""

from __future__ import annotations

import base64
import colorsys
import html
import io
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from engine.errors import OutputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 360
"""Pixels of a thumbnail's longer side."""
_CHECKERS = "repeating-conic-gradient(#bbb 0 25%, #eee 0 50%) 0 0 / 16px 16px"


def to_html(
    name: str, pictures: dict[str, NDArray[np.uint8]], palette: Mapping[str, Sequence[int]]
) -> str:
    """The pictures side by side, with the palette as swatches; needs nothing but itself."""
    name = html.escape(name)
    figures = "".join(
        f'<figure style="margin:0"><img alt="{what} of {name}" src="{data_uri(pixels, SIDE)}" '
        f'style="max-width:100%;background:{_CHECKERS}"><figcaption>{what}</figcaption></figure>'
        for what, pixels in pictures.items()
    )
    return (
        '<div style="display:flex;gap:8px;flex-wrap:wrap;font:13px sans-serif">'
        f"{figures}</div>{swatches(palette)}"
    )


def swatches(palette: Mapping[str, Sequence[int]]) -> str:
    """Coloured boxes for each channel: hues at full colour, saturations of red, values of grey."""
    rows = []
    for channel, levels in palette.items():
        boxes = "".join(
            f'<span title="{channel} {level}" style="background:{swatch_colour(channel, level)};'
            'display:inline-block;width:22px;height:22px;border:1px solid #888"></span>'
            for level in levels
        )
        rows.append(f"<div>{boxes} <small>{channel} {', '.join(map(str, levels))}</small></div>")
    return f'<div style="font:13px sans-serif">{"".join(rows)}</div>'


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


def swatch_colour(channel: str, level: int) -> str:
    """A colour that shows the level, "#rrggbb"."""
    hue, saturation, value = {
        "hue": (level / 180, 1.0, 1.0),
        "saturation": (0.0, level / 255, 1.0),
        "value": (0.0, 0.0, level / 255),
    }[channel]
    rgb = colorsys.hsv_to_rgb(hue, saturation, value)
    return "#" + "".join(f"{round(255 * part):02x}" for part in rgb)
