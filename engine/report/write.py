"""report.html, report.json and report.csv of a run, and its figures as files."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from engine.files.writing import refuse_existing, write_file
from engine.record import PhotoRecord
from engine.report import figures, summary
from engine.report.page import to_html
from engine.versions import find_versions

SHEET_COLUMNS = 8
SIGNS = {
    "report.html": b"<!doctype html>\n<!-- cartoonify -->",
    "report.json": b'{\n "title": ',
    "report.csv": b"photo,width,height,share,",
}
"""How our files begin: others of these names are kept."""


def check_report(folder: Path, overwrite: bool) -> None:
    """To be called before the work.

    Raises OptionError when matplotlib is missing, OutputError when files of these names are there
    that are no report of ours, unless they may be overwritten.
    """
    figures.new_figure(1, 1)
    if not overwrite:
        is_ours = _is_ours(folder)
        names = [name for name in SIGNS if not is_ours.get(name, True)]
        names += ["figures"] if (folder / "figures").exists() and not is_ours else []
        refuse_existing(folder / name for name in names)


def _is_ours(folder: Path) -> dict[str, bool]:
    """For each of a report's files that is there, whether it begins as we write them."""
    found = {}
    for name, sign in SIGNS.items():
        if os.path.lexists(folder / name):
            try:
                with open(folder / name, "rb") as file:
                    found[name] = file.read(len(sign)) == sign
            except OSError:
                found[name] = False
    return found


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
    write_file(text.encode(errors="surrogateescape"), folder / "report.json", overwrite=True)
    write_file(_to_csv(light).encode(errors="surrogateescape"), folder / "report.csv", True)
    page_text = to_html(title, records, settings)
    write_file(page_text.encode(errors="replace"), page, overwrite=True)
    if pngs:
        _write_figures(folder / "figures", [r for r in records if r.state != "failed"])
    return page


def _to_csv(records: Sequence[PhotoRecord]) -> str:
    buffer = io.StringIO()
    stages = list(dict.fromkeys(s for record in records for s in record.timings_ms))
    metrics = list(dict.fromkeys(m for record in records for m in record.metrics))
    columns = ["photo", "width", "height", "share", *metrics, *(f"{s}_ms" for s in stages)]
    writer = csv.writer(buffer)
    writer.writerow([*columns, "hues", "saturations", "values", "warnings", "error", "files"])
    for record in records:
        palette = record.palette
        writer.writerow(
            [record.photo, record.width or "", record.height or "", record.share]
            + [record.metrics.get(name, "") for name in metrics]
            + [record.timings_ms.get(stage, "") for stage in stages]
            + [" ".join(map(str, palette.get(c, ()))) for c in ("hue", "saturation", "value")]
            + ["; ".join(record.warnings), record.told()]
            + ["; ".join(record.files)]
        )
    return buffer.getvalue()


def _write_figures(folder: Path, records: Sequence[PhotoRecord]) -> None:
    _save(figures.draw_metrics(records), folder / "metrics.png")
    detailed = [record for record in records if record.histograms]
    for index, record in enumerate(detailed):
        name = f"{index:04d}_{Path(record.photo).stem}_palette.png"
        _save(figures.draw_histograms(record), folder / name)
    for kind in ("photo", "cutout", "cartoon"):
        pictures = [r.thumbnails[kind] for r in records if r.thumbnails]
        if pictures:
            rows = math.ceil(len(pictures) / SHEET_COLUMNS)
            _save(figures.draw_sheet(pictures, rows, SHEET_COLUMNS), folder / f"sheet_{kind}.png")


def _save(figure: Any, path: Path) -> None:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor="white")
    write_file(buffer.getvalue(), path, overwrite=True)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
