"""report.html, report.json and report.csv of a run, and its figures as files."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from engine.errors import OutputError
from engine.files.photos import is_regular
from engine.files.pictures import encode_image
from engine.files.writing import refuse_existing, write_file
from engine.record import PhotoRecord
from engine.report import figures, summary
from engine.report.page import to_html
from engine.text import printable
from engine.versions import find_versions

SIGNS = {
    "report.html": b"<!doctype html>\n<!-- cartoonify -->",
    "report.json": b'{\n "title": ',
    "report.csv": b"photo,width,height,share,",
}
"""How our files begin: others of these names are kept."""
LEVELS = {
    "lightness": "lightnesses", "chroma": "chromas", "hue": "hues", "saturation": "saturations",
    "value": "values",
}  # fmt: skip
"""What the column with a channel's centroids is called."""
SHEET_COLUMNS, SHEET_ROWS = 8, 50
LONGEST_STEM = 100
"""Bytes of a photo's name in the name of its figure: some file systems end names at 143."""
FORMULA = tuple("=+-@＝＋－＠")  # noqa: RUF001
"""What a spreadsheet takes for the start of a formula; tabs and line ends are escaped anyway."""


def check_report(folder: Path, overwrite: bool) -> None:
    """To be called before the work.

    Raises OptionError when matplotlib is missing, OutputError when something of these names is
    there that is not a report of ours, unless it is a file that may be overwritten.
    """
    figures.new_figure(1, 1)
    found = [name for name in SIGNS if os.path.lexists(folder / name)]
    for path in (folder / name for name in found):
        is_replaced = overwrite and (is_regular(path) or not path.exists())
        if not is_replaced and not _begins_with(path, SIGNS[path.name]):
            refuse_existing([path])
    _check_figures(folder / "figures", is_ours=bool(found) or overwrite)


def _begins_with(path: Path, sign: bytes) -> bool:
    """Whether this is a file, not a link to one, that begins so."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode) and os.read(descriptor, len(sign)) == sign
    finally:
        os.close(descriptor)


def _check_figures(path: Path, is_ours: bool) -> None:
    if os.path.lexists(path) and (path.is_symlink() or not path.is_dir()):
        raise OutputError(f"{path}: exists already, and is kept. Expected a folder; rename it.")
    if path.is_dir() and not is_ours:
        message = f"{path}: exists already, and belongs to no report."
        raise OutputError(message, option="overwrite", advice="{} writes into it.")


def write_report(
    folder: Path,
    title: str,
    records: Iterable[PhotoRecord],
    settings: dict[str, Any],
    pngs: bool = False,
) -> Path:
    """Writes the report into `folder`, over an earlier one, and returns the page's path.

    `settings` is what is needed to repeat the run; `pngs` also writes the figures, under figures/.
    """
    records = list(records)
    settings = {**settings, "versions": find_versions(), "written": _now()}
    light = [replace(record, thumbnails={}, histograms={}) for record in records]
    facts = {"title": title, "settings": settings, "summary": summary.summarise(records)}
    page = folder / "report.html"
    photos = [json.loads(record.to_json()) for record in light]
    text = json.dumps({**facts, "photos": photos}, indent=1, ensure_ascii=False)
    # Half of a surrogate pair, a byte of a name that is not text, becomes JSON's own escape.
    write_file(text.encode(errors="backslashreplace"), folder / "report.json", overwrite=True)
    write_file(_to_csv(light).encode(), folder / "report.csv", overwrite=True)
    write_file(to_html(title, records, settings).encode(), page, overwrite=True)
    if pngs:
        _write_figures(folder / "figures", records)
    return page


def _to_csv(records: Sequence[PhotoRecord]) -> str:
    stages = list(dict.fromkeys(s for record in records for s in record.timings_ms))
    metrics = list(dict.fromkeys(m for record in records for m in record.metrics))
    columns = ["photo", "width", "height", "share", *metrics, *(f"{s}_ms" for s in stages)]
    columns += ["style", "colours", *LEVELS.values(), "warnings", "error", "files"]
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(map(_cell, columns))
    for record in records:
        row = (
            [record.photo, record.width or "", record.height or "", record.share]
            + [record.metrics.get(name, "") for name in metrics]
            + [record.timings_ms.get(stage, "") for stage in stages]
            + [record.style, summary.count_colours(record) or ""]
            + [" ".join(map(str, record.centroids.get(channel, ()))) for channel in LEVELS]
            + ["; ".join(record.warnings), record.told(), "; ".join(record.files)]
        )
        writer.writerow(map(_cell, row))
    return buffer.getvalue()


def _cell(value: object) -> object:
    """Text that a spreadsheet shows and never runs; numbers as they are."""
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def _write_figures(folder: Path, records: Sequence[PhotoRecord]) -> None:
    measured = [record for record in records if summary.is_kept(record)]
    _save(figures.to_png(figures.draw_metrics(measured), facecolor="white"), folder / "metrics.png")
    detailed = [record for record in records if any(summary.histograms_of(record))]
    for index, record in enumerate(detailed):
        png = figures.to_png(figures.draw_histograms(record), facecolor="white")
        _save(png, folder / f"{index:04d}_{_short_stem(record.photo)}_palette.png")
    for kind in ("photo", "cutout", "cartoon"):
        thumbnails = [r.thumbnails[kind] for r in records if kind in r.thumbnails]
        size = SHEET_COLUMNS * SHEET_ROWS
        for start in range(0, len(thumbnails), size):
            sheet = figures.draw_sheet(thumbnails[start : start + size], SHEET_COLUMNS)
            number = f"_{start // size + 1}" if start else ""
            _save(encode_image(sheet, "png"), folder / f"sheet_{kind}{number}.png")


def _short_stem(photo: str) -> str:
    return printable(Path(photo).stem).encode()[:LONGEST_STEM].decode(errors="ignore")


def _save(png: bytes, path: Path) -> None:
    write_file(png, path, overwrite=True)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
