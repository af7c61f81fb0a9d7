"""The report as one HTML file that needs nothing but itself."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

from engine.display import swatches
from engine.record import PhotoRecord
from engine.report import figures, summary

COLUMNS = (
    "photo", "cut-out", "cartoon", "name", "size", "kept", "log MSE", "SSIM", "colours", "ms",
    "remarks",
)  # fmt: skip
PICTURES = {"photo": "photo", "cutout": "cut-out", "cartoon": "cartoon"}


def to_html(title: str, records: Sequence[PhotoRecord], settings: dict[str, Any]) -> str:
    """The page. `records` may lack thumbnails and histograms; those of failures have "error"."""
    facts = summary.summarise(records)
    done = [record for record in records if record.state != "failed"]
    template = Template((Path(__file__).parent / "page.html").read_text("utf-8"))
    return template.substitute(
        title=html.escape(title),
        figures=_figures(facts),
        verdict=_verdict(done),
        metrics_plot=figures.to_uri(figures.draw_metrics(done)),
        metrics_alt=f"log MSE and SSIM of {len(done)} photos, and their means",
        heads="".join(_head(name) for name in COLUMNS),
        rows="\n".join(_row(record) for record in records),
        settings=html.escape(json.dumps(settings, indent=1, ensure_ascii=False)),
    )


def _figures(facts: dict[str, Any]) -> str:
    mean = facts["mean"]
    shown = {
        "photos": facts["photos"],
        "failed": facts["failed"],
        "warnings": facts["warnings"],
        "mean SSIM": _text(mean["ssim"], ".3f"),
        "mean log MSE": _text(mean["log_mse"], ".2f"),
        "mean share kept": _text(mean["share"], ".1%"),
        "ms a photo": _text(mean["ms"], ".0f"),
    }
    return "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in shown.items())


def _verdict(done: Sequence[PhotoRecord]) -> str:
    """Which came out worst, and why; which came out best."""
    ranked = summary.rank(done)
    if not ranked:
        return "Nothing was measured."
    worst, best = ranked[0], ranked[-1]
    reasons = "; ".join(summary.explain(worst)) or summary.main_loss(worst)
    return (
        f"Worst: <b>{html.escape(worst.photo)}</b>, SSIM {worst.metrics['ssim']:.3f} "
        f"({html.escape(reasons)}). Best: <b>{html.escape(best.photo)}</b>, "
        f"SSIM {best.metrics['ssim']:.3f}."
    )


def _head(name: str) -> str:
    if name in PICTURES.values():
        return f"<th>{name}</th>"
    return f'<th><button type="button">{name}</button></th>'


def _row(record: PhotoRecord) -> str:
    name = html.escape(record.photo)
    if record.state == "failed":
        error = html.escape(record.told())
        cells = "".join(f'<td class="{kind}"></td>' for kind in PICTURES)
        empty = '<td class="number"></td>' * 6
        return f'<tr>{cells}<td class="name">{name}</td>{empty}<td class="error">{error}</td></tr>'
    metrics, palette = record.metrics, record.palette
    numbers = [
        (f"{record.width} x {record.height}", record.width * record.height),
        (f"{record.share:.1%}", record.share),
        (_text(metrics.get("log_mse"), ".2f"), metrics.get("log_mse")),
        (_text(metrics.get("ssim"), ".3f"), metrics.get("ssim")),
        (
            "/".join(str(len(levels)) for levels in palette.values()),
            sum(map(len, palette.values())),
        ),
        (f"{summary.total_ms(record):.0f}", summary.total_ms(record)),
    ]
    return (
        "<tr>"
        + "".join(_picture(record, kind, name) for kind in PICTURES)
        + f'<td class="name">{name}</td>'
        + "".join(_number(text, value) for text, value in numbers)
        + f"<td>{_remarks(record, name)}</td></tr>"
    )


def _picture(record: PhotoRecord, kind: str, name: str) -> str:
    source = record.thumbnails.get(kind)
    image = (
        f'<img loading="lazy" src="{source}" alt="{PICTURES[kind]} of {name}">' if source else ""
    )
    return f'<td class="{kind}">{image}</td>'


def _number(text: str, value: float | None) -> str:
    return f'<td class="number" data-value="{"" if value is None else value}">{text}</td>'


def _remarks(record: PhotoRecord, name: str) -> str:
    reasons = "".join(f"<li>{html.escape(reason)}</li>" for reason in summary.explain(record))
    remarks = f'<ul class="reasons">{reasons}</ul>' if reasons else ""
    stages = ", ".join(f"{stage} {ms:.0f}" for stage, ms in record.timings_ms.items())
    plot = ""
    if record.histograms:
        uri = figures.to_uri(figures.draw_histograms(record))
        alt = f"histograms of hue, saturation and value of {name}, with centroids and group borders"
        plot = f'<img loading="lazy" src="{uri}" alt="{alt}">'
    return (
        f"{remarks}<details><summary>palette, histograms, stages</summary>"
        f"{swatches(record.palette)}{plot}<p>ms: {stages}</p></details>"
    )


def _text(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
