"""The report as one HTML file that needs nothing but itself, and runs no script but its own."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from string import Template
from typing import Any
from urllib.parse import quote

from engine.display import swatches
from engine.record import PhotoRecord
from engine.report import figures, summary
from engine.text import printable

COLUMNS = (
    "photo", "cut-out", "cartoon", "name", "size", "kept", "log MSE", "SSIM", "colours", "ms",
    "remarks",
)  # fmt: skip
PICTURES = {"photo": "photo", "cutout": "cut-out", "cartoon": "cartoon"}


def to_html(title: str, records: Sequence[PhotoRecord], settings: dict[str, Any]) -> str:
    """The page: valid Unicode, whatever the records hold; nothing of them can become markup.

    Records may lack thumbnails, colours and histograms, as after a run without a report.
    """
    script, style = _read("page.js"), _read("page.css")
    return Template(_read("page.html")).substitute(
        title=_escape(title),
        policy=f"script-src {_hash(script)}; style-src {_hash(style)}",
        script=script,
        style=style,
        figures=_figures(summary.summarise(records)),
        verdict=_verdict(records),
        plot=_plot([record for record in records if summary.is_kept(record)]),
        filters="".join(_filter(name, records) for name in summary.GROUPS),
        total=len(records),
        heads="".join(_head(name) for name in COLUMNS),
        rows="\n".join(_row(record) for record in records),
        settings=_settings(settings),
    )


def _read(name: str) -> str:
    return (Path(__file__).parent / name).read_text("utf-8")


def _hash(text: str) -> str:
    """What a content security policy calls an inline script or style by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _escape(text: str) -> str:
    return html.escape(printable(text))


def _figures(facts: dict[str, Any]) -> str:
    mean = facts["mean"]
    shown = {
        "photos": facts["photos"],
        "failed": facts["failed"],
        "nobody found": facts["empty"],
        "mean SSIM": _format(mean["ssim"], ".3f"),
        "mean log MSE": _format(mean["log_mse"], ".2f"),
        "mean share kept": _format(mean["share"], ".1%"),
        "ms per photo": _format(mean["ms"], ".0f"),
    }
    return "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in shown.items())


def _verdict(records: Sequence[PhotoRecord]) -> str:
    """Which came out worst, and why; which came out best."""
    ranked = summary.rank(records)
    if not ranked:
        return "Nothing was measured."
    worst, best = ranked[0], ranked[-1]
    reasons = "; ".join(summary.explain(worst)) or summary.main_loss(worst)
    return (
        f"Worst: <b>{_escape(worst.photo)}</b>, SSIM {worst.metrics['ssim']:.3f} "
        f"({_escape(reasons)}). Best: <b>{_escape(best.photo)}</b>, "
        f"SSIM {best.metrics['ssim']:.3f}."
    )


def _plot(kept: Sequence[PhotoRecord]) -> str:
    if not kept:
        return ""
    uri = figures.to_uri(figures.draw_metrics(kept))
    alt = f"log MSE and SSIM of {len(kept)} photos, and their means"
    return f'<img class="plot" src="{uri}" alt="{alt}">'


def _filter(name: str, records: Sequence[PhotoRecord]) -> str:
    count = sum(map(summary.GROUPS[name], records))
    disabled = "" if count else " disabled"
    radio = f'<input type="radio" name="only" value="{_slug(name)}"{disabled}>'
    return f"<label>{radio} {name} ({count})</label>\n"


def _slug(name: str) -> str:
    return name.replace(" ", "-")


def _head(name: str) -> str:
    if name in PICTURES.values():
        return f"<th>{name}</th>"
    return f'<th><button type="button">{name}</button></th>'


def _row(record: PhotoRecord) -> str:
    groups = " ".join(_slug(name) for name, has in summary.GROUPS.items() if has(record))
    pictures = "".join(_picture(record, kind) for kind in PICTURES)
    name = f'<td class="name">{_escape(record.photo)}{_links(record)}</td>'
    numbers = "".join(_number(text, value) for text, value in _numbers(record))
    return f'<tr class="{groups}">{pictures}{name}{numbers}{_remarks(record)}</tr>'


def _numbers(record: PhotoRecord) -> list[tuple[str, float | None]]:
    """As shown, and to sort by."""
    if record.state == "failed":
        return [("", None)] * 6
    metrics, ms = record.metrics, summary.total_ms(record)
    return [
        (f"{record.width} x {record.height}", record.width * record.height),
        (f"{record.share:.1%}", record.share),
        (_format(metrics.get("log_mse"), ".2f"), metrics.get("log_mse")),
        (_format(metrics.get("ssim"), ".3f"), metrics.get("ssim")),
        (summary.tell_colours(record), summary.count_colours(record) or None),
        (f"{ms:.0f}", ms),
    ]


def _picture(record: PhotoRecord, kind: str) -> str:
    """A thumbnail that opens the file that was written, or else itself, enlarged."""
    source = record.thumbnails.get(kind, "")
    if not source.startswith("data:image/"):
        return f'<td class="{kind}"></td>'
    alt = f"{PICTURES[kind]} of {_escape(record.photo)}"
    image = f'<img loading="lazy" src="{html.escape(source)}" alt="{alt}">'
    link = next((_href(path) for path in record.files if _kind_of(path) == kind), "")
    if link:
        return f'<td class="{kind}"><a href="{link}">{image}</a></td>'
    return f'<td class="{kind}">{_enlargeable(image)}</td>'


def _enlargeable(image: str) -> str:
    return f'<button type="button" class="enlarge" aria-haspopup="dialog">{image}</button>'


def _links(record: PhotoRecord) -> str:
    links = [(_href(path), _kind_of(path)) for path in record.files]
    anchors = [f'<a href="{link}">{_escape(kind)}</a>' for link, kind in links if link]
    return f"<small>{', '.join(anchors)}</small>" if anchors else ""


def _kind_of(path: str) -> str:
    file = PurePosixPath(path)
    return "svg" if file.suffix == ".svg" else file.stem.rpartition("_")[2]


def _href(path: str) -> str:
    """A link to a file below the report's folder; empty for what is elsewhere or has no name."""
    if path.startswith("/") or ".." in path.split("/"):
        return ""
    try:
        return f"./{quote(os.fsencode(path))}"
    except UnicodeEncodeError:
        return ""


def _number(text: str, value: float | None) -> str:
    return f'<td class="number" data-value="{"" if value is None else value}">{text}</td>'


def _remarks(record: PhotoRecord) -> str:
    reasons = summary.explain(record)
    if record.state == "failed":
        return f'<td class="error">{_escape(" ".join(reasons))}</td>'
    items = "".join(f"<li>{_escape(reason)}</li>" for reason in reasons)
    stages = ", ".join(f"{_escape(stage)} {ms:.0f}" for stage, ms in record.timings_ms.items())
    return (
        f"<td>{f'<ul>{items}</ul>' if items else ''}"
        "<details><summary>colours, histograms, stages</summary>"
        f"{swatches(record.colours, record.centroids)}{_histograms(record)}"
        f"<p>Milliseconds: {stages}</p></details></td>"
    )


def _histograms(record: PhotoRecord) -> str:
    if not any(summary.histograms_of(record)):
        return ""
    uri = figures.to_uri(figures.draw_histograms(record))
    name = _escape(record.photo)
    channels = ", ".join(channel for channel, *_ in summary.histograms_of(record))
    alt = f"histograms of {channels} of {name}, with centroids and group borders"
    return _enlargeable(f'<img loading="lazy" src="{uri}" alt="{alt}">')


def _settings(settings: dict[str, Any]) -> str:
    lines = json.dumps(settings, indent=1, ensure_ascii=False).split("\n")
    return "\n".join(map(_escape, lines))


def _format(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
