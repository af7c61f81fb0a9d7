"""The figures of docs/k-histogram.md: the K-histogram on the grey levels of one photo."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

import engine
from engine.reference.palette import FIRST_CENTROID, _split_groups, update_centroids

INK = "#888888"
"""Of axes and text: it is readable on light and on dark pages."""
INCHES_WIDE, DOTS_PER_INCH = 6.5, 130

Photo = NDArray[np.uint8]
Round = tuple[NDArray[np.float64], NDArray[np.int64]]


def find_rounds(histogram: NDArray[np.int64]) -> list[Round]:
    """Settled centroids, and each level's group, of each round; by the reference's own steps."""
    options = engine.CartoonOptions()
    start = np.array([FIRST_CENTROID])
    rounds: list[Round] = []
    while not rounds or len(start) != len(rounds[-1][0]):
        rounds.append(update_centroids(start, histogram))
        start = _split_groups(
            *rounds[-1], histogram, options.split_p_value, options.min_group_levels
        )
    return rounds


def _show_histogram(_: engine.Cartoonifier, photo: Photo) -> bytes:
    grey, histogram = _count(photo)
    figure = Figure((INCHES_WIDE, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 2))
    _show_grey(left, grey)
    _draw_bars(right, histogram, INK)
    right.set(xlabel="grey level", ylabel="pixels")
    return _encode(figure, [right])


def _show_rounds(_: engine.Cartoonifier, photo: Photo) -> bytes:
    grey, histogram = _count(photo)
    rounds = find_rounds(histogram)
    figure = Figure((INCHES_WIDE, 1.9 * len(rounds)), layout="constrained")
    rows = figure.subplots(len(rounds), 2, width_ratios=(1, 3), squeeze=False)
    for (left, right), (centroids, groups) in zip(rows, rounds, strict=True):
        _show_grey(left, centroids[groups].astype(np.uint8)[grey])
        colours = [f"C{group}" for group in groups]
        _draw_bars(right, histogram, colours)
        for centroid in centroids:
            right.axvline(centroid, color=INK, linestyle="--")
        many = "centroid" if len(centroids) == 1 else "centroids"
        right.set_title(f"{len(centroids)} {many}: {', '.join(f'{c:g}' for c in centroids)}")
        right.set_yticks([])
    return _encode(figure, rows[:, 1])


def _count(photo: Photo) -> tuple[Photo, NDArray[np.int64]]:
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY).astype(np.uint8)
    return grey, np.bincount(grey.ravel(), minlength=256)


def _show_grey(axes: Any, grey: Photo) -> None:
    axes.imshow(grey, cmap="gray", vmin=0, vmax=255)
    axes.set_axis_off()


def _draw_bars(axes: Any, histogram: NDArray[np.int64], colours: Any) -> None:
    """The highest bars are cut, because black alone would be fourteen times as high as others."""
    axes.bar(range(256), histogram, width=1, color=colours)
    axes.set(xlim=(-2, 257), ylim=(0, 1.1 * np.sort(histogram)[-4]))


def _encode(figure: Figure, charts: Any) -> bytes:
    """The bytes of a WebP without a background, with charts in INK."""
    for axes in charts:
        axes.set_facecolor("none")
        axes.tick_params(colors=INK)
        for text in (axes.title, axes.xaxis.label, axes.yaxis.label):
            text.set_color(INK)
        for side, spine in axes.spines.items():
            spine.set(color=INK, visible=side in ("left", "bottom"))
    png, webp = io.BytesIO(), io.BytesIO()
    figure.savefig(png, dpi=DOTS_PER_INCH, transparent=True)
    Image.open(png).save(webp, "webp", quality=80)
    return webp.getvalue()


FIGURES: dict[str, Callable[[engine.Cartoonifier, Photo], bytes]] = {
    "k_histogram_counts.webp": _show_histogram,
    "k_histogram_rounds.webp": _show_rounds,
}
