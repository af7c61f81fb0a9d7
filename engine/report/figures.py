"""Plots by matplotlib: a palette on its histograms, and the metrics of all photos."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from engine.display import swatch_colour
from engine.errors import OptionError, PhotoError
from engine.files.photos import read_photo
from engine.record import THUMBNAIL_SIDE, PhotoRecord
from engine.report import summary
from engine.text import printable
from engine.versions import how_to_install

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLES = {"lightness": "lightness L*", "chroma": "chroma C*ab", "hue": "hue"}
INK = "#808890"  # readable on white and on black
BARS = 60
"""More photos than these are drawn as a line, in their order, without names."""
_LONGEST_NAME = 40  # characters beside a plot
_GAP = 8  # pixels between the thumbnails of a sheet


def new_figure(width: float, height: float, layout: Any = "constrained") -> Figure:
    """A figure without pyplot, which would need a screen and is not made for threads.

    Raises OptionError without matplotlib.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise OptionError(f"a report needs matplotlib: {how_to_install('report')}") from None
    return Figure(figsize=(width, height), dpi=96, layout=layout)


def draw_histograms(record: PhotoRecord) -> Figure:
    """One plot per channel: pixels per level, centroids as lines, borders of their groups dotted.

    The record has histograms and centroids.
    """
    figure = new_figure(7.4, 1.5, layout=None)  # a layout that is found takes most of the time
    figure.subplots_adjust(0.01, 0.16, 0.99, 0.86, 0.04)
    channels = list(summary.histograms_of(record))
    for axes, (channel, counts, centroids) in zip(
        figure.subplots(1, len(channels), squeeze=False).flat, channels, strict=True
    ):
        axes.stairs(counts, fill=True, color=INK, alpha=0.6)
        for left, right in pairwise(centroids):
            axes.axvline((left + right) / 2, color=INK, linewidth=0.8, linestyle=":")
        for level in centroids:
            colour = swatch_colour(channel, level, record.centroids)
            axes.axvline(level, color=INK, linewidth=3)
            axes.axvline(level, color=colour, linewidth=1.6)
        # The white around a cut-out would leave all else flat.
        axes.set_ylim(0, 1.05 * max(1, *sorted(counts)[:-1]))
        axes.set_xlim(0, len(counts))
        axes.set_title(TITLES.get(channel, channel), color=INK, fontsize=8)
        axes.set_yticks([])
        _quiet(axes)
    return figure


def draw_metrics(records: Sequence[PhotoRecord]) -> Figure:
    """log MSE and SSIM of each photo, with their means."""
    few = len(records) <= BARS
    figure = new_figure(9, 1.2 + 0.18 * len(records) if few else 3)
    names = [_shorten(printable(Path(record.photo).name)) for record in records]
    for axes, (metric, title) in zip(
        figure.subplots(1, 2, sharey=few), (("log_mse", "log MSE"), ("ssim", "SSIM")), strict=True
    ):
        values = [_number(record.metrics.get(metric)) for record in records]
        known = [value for value in values if value == value]
        if few:
            axes.barh(range(len(values)), values, color=INK)
            axes.set_yticks(range(len(values)), names, fontsize=7, parse_math=False)
        else:
            axes.plot(sorted(known), color=INK)
            axes.set_xlabel("photos, in the order of their values", fontsize=8, color=INK)
        if known:
            mean = sum(known) / len(known)
            (axes.axvline if few else axes.axhline)(mean, color="#d04040", linewidth=1)
            title += f", mean {mean:.3f}"
        axes.set_title(title, fontsize=9, color=INK)
        _quiet(axes)
    if few and records:
        figure.axes[0].invert_yaxis()  # the first photo on top; the other plot shares it
    return figure


def draw_sheet(thumbnails: Sequence[str], columns: int) -> Image.Image:
    """A contact sheet of thumbnails, data: URIs, row by row; what is damaged is left blank."""
    side = THUMBNAIL_SIDE + _GAP
    rows = -(-len(thumbnails) // columns)
    sheet = Image.new("RGB", (columns * side + _GAP, rows * side + _GAP), "white")
    for index, uri in enumerate(thumbnails):
        row, column = divmod(index, columns)
        try:
            pixels = read_photo(base64.b64decode(uri.partition(",")[2]), max_megapixels=1)
        except (PhotoError, ValueError):
            continue
        picture = Image.fromarray(pixels)
        picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        left, top = (_GAP + (side - _GAP - size) // 2 for size in picture.size)
        sheet.paste(picture, (column * side + left, row * side + top))
    return sheet


def to_png(figure: Figure, **options: Any) -> bytes:
    """A figure as a PNG file."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a letter that the font lacks is drawn as a box
        figure.savefig(buffer, format="png", **options)
    return buffer.getvalue()


def to_uri(figure: Figure) -> str:
    """A figure as a transparent PNG in a data: URI."""
    return f"data:image/png;base64,{base64.b64encode(to_png(figure, transparent=True)).decode()}"


def _shorten(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _quiet(axes: Any) -> None:
    axes.tick_params(colors=INK, labelsize=7, length=2)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("bottom", "left"):
        axes.spines[side].set_color(INK)
