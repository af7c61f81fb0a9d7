"""The numbers of many photos as one table: a line per measure, a column per style."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Numbers = Mapping[str, float]
"""Of one photo and one style, by the names of `faithfulness.measure` and `time_drawings`."""
Summary = Callable[[Sequence[float]], float]

MOST_OFF = 0.2
"""Share of a person's coloured pixels; with more in another hue, the person looks wrong."""


@dataclass(frozen=True)
class Line:
    """How one number is summed up over the photos that have it."""

    what: str
    number: str
    """Its name."""
    summary: Summary
    spelling: str
    """Of the summary, for str.format."""
    wanted: str = ""
    """Of the default style."""


def mean(values: Sequence[float]) -> float:
    """Their mean."""
    return float(np.mean(values))


def median(values: Sequence[float]) -> float:
    """Their median."""
    return float(np.median(values))


def count_off(values: Sequence[float]) -> float:
    """How many are above a fifth."""
    return sum(value > MOST_OFF for value in values)


LINES = (
    Line("drawing at 450 x 600, best, ms", "450 x 600, best ms", median, "{:.1f}", "<= 12"),
    Line("drawing at 450 x 600, median, ms", "450 x 600, median ms", median, "{:.1f}"),
    Line("drawing at 450 x 600, times classic's", "450 x 600, of classic", median, "{:.2f}"),
    Line("drawing at 12 MP, best, ms", "12 MP, best ms", median, "{:.0f}"),
    Line("drawing at 12 MP, median, ms", "12 MP, median ms", median, "{:.0f}"),
    Line("drawing at 12 MP, times classic's", "12 MP, of classic", median, "{:.2f}", "<= 0.5"),
    Line("changed pixels, colours free, mean", "changed, free", mean, "{:.1%}", "<= 7 %"),
    Line("changed pixels, colours free, median", "changed, free", median, "{:.1%}"),
    Line("changed pixels, palette held, mean", "changed, held", mean, "{:.1%}", "<= 4 %"),
    Line("changed pixels, palette held, median", "changed, held", median, "{:.1%}"),
    Line("SSIM of 12 MP, reduced, with 1,500 pixels, mean", "size", mean, "{:.3f}", ">= 0.93"),
    Line("SSIM of 12 MP, reduced, with 1,500 pixels, least", "size", min, "{:.3f}"),
    Line("white that stays pure, mean", "white kept", mean, "{:.2%}", ">= 99.5 %"),
    Line("white that is lost away from the outline, most", "white lost far", max, "{:.2%}", "0"),
    Line("white that is lost, furthest, pixels", "white lost within", max, "{:.1f}"),
    Line("people more than a fifth in another hue", "off hue", count_off, "{:.0f}", "0"),
    Line("photos whose hue was judged", "off hue", len, "{:.0f}"),
    Line("SSIM with the cut-out, mean", "ssim", mean, "{:.3f}", ">= 0.85"),
    Line("colours, median", "colours", median, "{:.0f}"),
    Line("photos at the style's most colours", "at most colours", mean, "{:.0%}", "<= 33 %"),
)


def summarise(photos: Iterable[Mapping[str, Numbers]]) -> dict[str, dict[str, float]]:
    """Line by line, the sums of styles; those are left out that no photo has the number of.

    `photos` hold the numbers of each style.
    """
    found: dict[str, dict[str, list[float]]] = {}
    for photo in photos:
        for style, numbers in photo.items():
            for name, value in numbers.items():
                if not np.isnan(value):
                    found.setdefault(style, {}).setdefault(name, []).append(value)
    return {
        line.what: {
            style: line.summary(values[line.number])
            for style, values in found.items()
            if line.number in values
        }
        for line in LINES
    }


def to_markdown(table: Mapping[str, Mapping[str, float]], styles: Sequence[str]) -> str:
    """The table, with what is wanted of the default style."""
    lines = [f"| what | {' | '.join(styles)} | wanted of comic |", "|---" * (len(styles) + 2) + "|"]
    for line in LINES:
        values = table[line.what]
        cells = [line.spelling.format(values[s]) if s in values else "" for s in styles]
        cells = [cell.replace("%", " %") for cell in cells]
        lines.append(f"| {line.what} | {' | '.join(cells)} | {line.wanted} |")
    return "\n".join(lines) + "\n"
