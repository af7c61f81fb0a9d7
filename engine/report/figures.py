"""Plots by matplotlib: a palette on its histograms, and the metrics of all photos."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.display import swatch_colour
from engine.errors import OptionError
from engine.record import PhotoRecord

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#808890"  # readable on white and on black
BARS = 60
"""More photos than these are drawn as a line, in their order, without names."""


def new_figure(width: float, height: float, layout: Any = "constrained") -> Figure:
    """A figure without pyplot, which would want a screen and is not for threads.

    Raises OptionError without matplotlib.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        message = "a report needs matplotlib: pip install 'cartoonify-engine[report]'"
        raise OptionError(message) from None
    return Figure(figsize=(width, height), dpi=96, layout=layout)


def draw_histograms(record: PhotoRecord) -> Figure:
    """One plot a channel: pixels per level, centroids as lines, borders of their groups dotted."""
    figure = new_figure(7.4, 1.5, layout=None)  # a layout that is found takes most of the time
    figure.subplots_adjust(0.01, 0.16, 0.99, 0.86, 0.04)
    for axes, (channel, counts) in zip(
        figure.subplots(1, 3), record.histograms.items(), strict=True
    ):
        centroids = record.palette[channel]
        axes.stairs(counts, fill=True, color=INK, alpha=0.6)
        for left, right in pairwise(centroids):
            axes.axvline((left + right) / 2, color=INK, linewidth=0.8, linestyle=":")
        for level in centroids:
            axes.axvline(level, color=INK, linewidth=3)
            axes.axvline(level, color=swatch_colour(channel, level), linewidth=1.6)
        # The white around a cut-out would leave all else flat.
        axes.set_ylim(0, 1.05 * max(1, *sorted(counts)[:-1]))
        axes.set_xlim(0, len(counts))
        axes.set_title(channel, color=INK, fontsize=8)
        axes.set_yticks([])
        _quiet(axes)
    return figure


def draw_metrics(records: Sequence[PhotoRecord]) -> Figure:
    """log MSE and SSIM of each photo, with their means, as the document draws them."""
    few = len(records) <= BARS
    figure = new_figure(9, 1.2 + 0.18 * len(records) if few else 3)
    names = [_printable(Path(record.photo).name) for record in records]
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


def draw_sheet(pictures: Sequence[str], rows: int, columns: int) -> Figure:
    """A contact sheet of thumbnails, data: URIs, row by row."""
    from PIL import Image

    figure = new_figure(1.2 * columns, 1.2 * rows)
    for axes, uri in zip_longest(figure.subplots(rows, columns, squeeze=False).flat, pictures):
        axes.axis("off")
        if uri:
            axes.imshow(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))
    return figure


def to_uri(figure: Figure) -> str:
    """A figure as a transparent PNG in a data: URI."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", transparent=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _printable(name: str) -> str:
    return name.encode(errors="replace").decode()


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _quiet(axes: Any) -> None:
    axes.tick_params(colors=INK, labelsize=7, length=2)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("bottom", "left"):
        axes.spines[side].set_color(INK)
