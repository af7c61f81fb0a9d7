"""A result on a screen: as HTML in a notebook, or in a window."""

from __future__ import annotations

import base64
import colorsys
import html
import io
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from engine.errors import OutputError
from engine.text import printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 360
"""Pixels of a thumbnail's longer side."""
MOST_COLOURS = 24
"""As many colours of a cartoon are named."""
_SAMPLE = 1 << 17  # pixels: 7 ms, whatever the size of the picture
_CHECKERS = "repeating-conic-gradient(#bbb 0 25%, #eee 0 50%) 0 0 / 16px 16px"


def to_html(
    name: str,
    pictures: Mapping[str, NDArray[np.uint8]],
    colours: Sequence[str],
    palette: Mapping[str, Sequence[int]],
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
        f"{figures}</div>{swatches(colours, palette)}</div>"
    )


def swatches(colours: Sequence[str], palette: Mapping[str, Sequence[int]]) -> str:
    """Coloured boxes: a cartoon's own colours, "#rrggbb", then the levels of each channel.

    Hues are shown at full colour, saturations of red, values of grey. There are no style
    attributes, which a page's security policy would have to allow.
    """
    rows = [("in the cartoon", [(colour, colour) for colour in colours])] if colours else []
    for channel, levels in palette.items():
        if channel in _HSV:
            boxes = [(f"{channel} {level}", swatch_colour(channel, level)) for level in levels]
            rows.append((f"{channel} {', '.join(map(str, levels))}", boxes))
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


def find_colours(cartoon: NDArray[np.uint8], alpha: NDArray[np.float32]) -> tuple[str, ...]:
    """The colours of what is kept of a cartoon, "#rrggbb", the commonest first, at most 24.

    They are counted on a sample of about 130,000 pixels, where `alpha` is largest (within 1 %):
    elsewhere the cartoon is mixed with what lies behind it. There are none when nothing is kept.

    Parameters
    ----------
    cartoon : uint8 (H, W, 3) RGB or (H, W, 4) RGBA
    alpha : float32 (H, W), 0..1
    """
    step = max(1, math.isqrt(alpha.size // _SAMPLE))
    cartoon, alpha = cartoon[::step, ::step, :3], alpha[::step, ::step]
    pixels = cartoon[alpha > 0.99 * alpha.max()].astype(np.uint32)
    packed = pixels[:, 0] << 16 | pixels[:, 1] << 8 | pixels[:, 2]
    colours, counts = np.unique(packed, return_counts=True)
    commonest = np.argsort(-counts, kind="stable")[:MOST_COLOURS]
    return tuple(f"#{colour:06x}" for colour in colours[commonest])


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
    """A colour that shows the level of "hue", "saturation" or "value", "#rrggbb".

    The method reads red, green and blue as blue, green and red. Therefore its hue h, in half
    degrees, stands for the colour of hue 120 - h.
    """
    rgb = colorsys.hsv_to_rgb(*_HSV[channel](level))
    return "#" + "".join(f"{round(255 * part):02x}" for part in rgb)


_HSV: dict[str, Callable[[int], tuple[float, float, float]]] = {
    "hue": lambda level: ((120 - level) % 180 / 180, 1.0, 1.0),
    "saturation": lambda level: (0.0, level / 255, 1.0),
    "value": lambda level: (0.0, 0.0, level / 255),
}
