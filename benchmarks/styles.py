"""The styles side by side: `python -m benchmarks.styles PHOTOS -o SHEETS`.

Contact sheets (photo, cut-out, classic and each style) to be looked at, and a table of how fast,
steady and faithful the styles are: printed, and written to styles.md and styles.json beside the
sheets, where the JSON has each photo's own numbers, so that the worst photos can be found. A photo
that cannot be drawn is named at the end, and left out.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cpuinfo
import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

import engine
from benchmarks.drawings import CLASSIC, Draw, find_drawing, time_drawings
from benchmarks.faithfulness import measure
from benchmarks.setting import QUICK, Setting, argument_parser
from benchmarks.sheets import Sheets, make_face_rows, make_row
from benchmarks.style_table import summarise, to_markdown
from engine.batch.listing import Found, Lister
from engine.cartoon.refined.styles import STYLES
from engine.text import printable
from engine.threads import usable_threads

THREADS = min(2, usable_threads())


@dataclass(frozen=True)
class Studied:
    """A photo that was drawn in each style."""

    pictures: dict[str, NDArray[np.uint8]]
    """Photo, cut-out and drawings by name, uint8 (H, W, 3)."""
    alpha: NDArray[np.float32]
    numbers: dict[str, dict[str, float]]
    """By style and name."""


def main() -> None:
    """Draws, measures, writes and prints."""
    options = make_parser().parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(THREADS)
    setting = Setting(THREADS, quick=options.quick)
    photos = list(Lister(str(options.out), recursive=True).find(options.photos))
    draws = {style: find_drawing(style, THREADS) for style in (CLASSIC, *options.styles)}
    numbers, left_out = _study_all(photos, draws, options, setting)
    table = summarise(numbers.values())
    text = _describe(len(numbers), left_out) + "\n" + to_markdown(table, list(draws))
    text += f"\n{QUICK}\n" if options.quick else ""
    print(text)
    found = {"threads": THREADS, "table": table, "photos": numbers, "left_out": left_out}
    (options.out / "styles.json").write_text(json.dumps(_without_nan(found), indent=1) + "\n")
    (options.out / "styles.md").write_text(text)
    print(f"written: {options.out}/styles.md, styles.json and the sheets")
    if not numbers:
        sys.exit("no photo could be drawn")


def study(
    app: engine.Cartoonifier, found: Found, draws: Mapping[str, Draw], clock: Setting | None
) -> Studied:
    """A photo drawn in each style, and the drawings' numbers, with their times if there is a clock.

    Raises EngineError where it cannot be read, or shows no person.
    """
    if found.problem:
        raise found.problem
    result = app(found.photo)
    if result.warnings:
        raise engine.PhotoError(result.warnings[0])
    pictures = {"photo": result.photo, "cut-out": result.cutout}
    times = time_drawings(draws, result.cutout, result.alpha, clock) if clock else {}
    numbers = {}
    for style, draw in draws.items():
        drawn, measured = measure(draw, result.cutout, result.alpha)
        pictures[style] = drawn.cartoon
        numbers[style] = measured | times.get(style, {})
        if style in STYLES:
            is_full = measured["colours"] >= STYLES[style].most_colours
            numbers[style]["at most colours"] = float(is_full)
    return Studied(pictures, result.alpha, numbers)


def _study_all(
    photos: list[Found], draws: Mapping[str, Draw], options: argparse.Namespace, setting: Setting
) -> tuple[dict[str, dict[str, dict[str, float]]], dict[str, str]]:
    """Numbers by photo, style and name, and why photos were left out."""
    numbers, left_out = {}, {}
    whole, faces = (Sheets(options.out, kind, options.rows) for kind in ("sheet", "faces"))
    timed = {round(place) for place in np.linspace(0, len(photos) - 1, options.timed)}
    with engine.load(threads=THREADS) as app:
        for index, found in enumerate(_show_progress(photos)):
            try:
                studied = study(app, found, draws, setting if index in timed else None)
            except Exception as error:  # of whatever kind: the other photos are to be seen
                left_out[found.photo] = f"{type(error).__name__}: {error}"
                continue
            numbers[found.photo] = studied.numbers
            whole.add(make_row(found.below, studied.pictures))
            if options.faces:
                for row in make_face_rows(found.below, studied.pictures, studied.alpha):
                    faces.add(row)
    whole.flush()
    faces.flush()
    return numbers, left_out


def make_parser() -> argparse.ArgumentParser:
    """Of the command line."""
    parser = argument_parser(__doc__, writes=False)
    parser.add_argument("photos", nargs="+", metavar="PHOTOS", help="Files, folders or patterns.")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="SHEETS", help="A folder.")
    every = ",".join(STYLES)
    help = f"Besides classic. Default: {every}."
    parser.add_argument("--styles", type=_to_styles, default=every, metavar="A,B", help=help)
    parser.add_argument("--faces", action="store_true", help="Also sheets of the faces, enlarged.")
    help = "Of a sheet: photos or faces. Default: 8."
    parser.add_argument("--rows", type=int, default=8, metavar="N", help=help)
    help = "Photos that drawing is timed on, spread over all. Default: 10."
    parser.add_argument("--timed", type=int, default=10, metavar="N", help=help)
    return parser


def _to_styles(text: str) -> list[str]:
    styles = list(dict.fromkeys(text.split(",")))
    unknown = set(styles) - set(STYLES)
    if unknown:
        raise argparse.ArgumentTypeError(
            f"unknown: {', '.join(sorted(unknown))}; expected {', '.join(STYLES)}"
        )
    return styles


def _show_progress(photos: list[Found]) -> Iterable[Found]:
    """A bar on stderr, when that is a terminal."""
    terminal = Console(stderr=True)
    return track(
        photos, "photos", console=terminal, transient=True, disable=not sys.stderr.isatty()
    )


def _describe(count: int, left_out: Mapping[str, str]) -> str:
    processor = cpuinfo.get_cpu_info().get("brand_raw", platform.processor())
    lines = [
        "# The styles side by side",
        "",
        f"Photos: {count}, left out: {len(left_out)}; {THREADS} threads, {processor}.",
        *(printable(f"* {photo}: {reason}") for photo, reason in left_out.items()),
    ]
    return "\n".join(lines) + "\n"


def _without_nan(value: Any) -> Any:
    """The same with null in the place of NaN, which JSON has no word for."""
    if isinstance(value, Mapping):
        return {key: _without_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


if __name__ == "__main__":
    main()
