"""What a request is answered with: a picture, several as a zip, or JSON with all there is."""

from __future__ import annotations

import base64
import io
import json
import math
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from engine.options import OWN_FORMATS
from engine.result import Result, output_paths
from engine.serve.parameters import Asked
from engine.serve.problems import Problem

TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "svg": "image/svg+xml",
    "json": "application/json",
}
"""By the suffix of a file."""
JSON, ZIP = "application/json", "application/zip"
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Answer:
    """A body and what is told of it."""

    body: bytes
    media_type: str
    headers: dict[str, str]
    timings: dict[str, float]
    """Milliseconds by stage."""


def settle(asked: Asked, accept: str) -> tuple[Asked, str]:
    """What is made, and the media type it is answered in, by what the client accepts.

    Raises Problem when it accepts nothing of what there is.
    """
    if asked.has_kinds or asked.output.kinds != ("cartoon",):
        offers = _offers(asked)
    else:
        offers = [
            *_offers(asked),
            *([] if asked.has_format or asked.cartoon.style == "classic" else [TYPES["svg"]]),
        ]
    chosen = negotiate(accept, offers)
    if chosen is None:
        raise Problem(406, "accept", f"the client accepts none of {', '.join(offers)}.")
    output = asked.output
    if chosen == TYPES["svg"] and output.kinds != ("svg",):
        output = replace(output, kinds=("svg",))
    elif chosen.startswith("image/") and output.kinds[0] not in OWN_FORMATS:
        format = next(name for name, media in TYPES.items() if media == chosen)
        output = replace(output, format=format)
    return replace(asked, output=output), chosen


def negotiate(accept: str, offers: Sequence[str]) -> str | None:
    """The offer that the client likes best; the first of several (RFC 9110, 12.5.1)."""
    ranges = [_parse_range(part) for part in accept.split(",") if part.strip()]
    if not ranges:
        return offers[0]

    def quality(offer: str) -> float:
        kind = offer.partition("/")[0]
        for pattern in (offer, f"{kind}/*", "*/*"):
            if found := [q for name, q in ranges if name == pattern]:
                return max(found)
        return 0.0

    best = max(offers, key=quality)
    return best if quality(best) > 0 else None


def make(result: Result, asked: Asked, media_type: str) -> Answer:
    """The answer; encoding takes time, so it is for a worker."""
    start = time.perf_counter()
    files = _encode(result, asked)
    timings = dict(result.timings)
    measured = asked.measure or (media_type == JSON and not _is_own_json(asked))
    metrics = _finite(result.metrics) if measured else {}
    timings["encode"] = (time.perf_counter() - start) * 1e3
    headers = _headers(result, metrics, timings)
    if media_type == ZIP:
        body, name = _to_zip(files), f"{result.name}.zip"
    elif media_type == JSON and not _is_own_json(asked):
        body, name = _to_json(result, files, metrics, timings), ""
    else:
        ((name, body),) = files.items()
    if name:
        headers["Content-Disposition"] = f"inline; filename*=UTF-8''{quote(name, safe='')}"
    return Answer(body, media_type, headers, timings)


def _finite(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """JSON has no infinity, which is the log of nothing."""
    return {name: value if math.isfinite(value) else None for name, value in metrics.items()}


def _offers(asked: Asked) -> list[str]:
    kinds, format = asked.output.kinds, asked.output.format
    if len(kinds) > 1:
        return [ZIP, JSON]
    own = OWN_FORMATS.get(kinds[0])
    if own:
        return list(dict.fromkeys([TYPES[own], JSON, ZIP]))
    if asked.has_format:
        return [TYPES[format], JSON, ZIP]
    transparent = asked.cutout.background == "transparent"
    formats = ("png", "webp") if transparent else ("png", "jpg", "webp")
    return [*(TYPES[name] for name in formats), JSON, ZIP]


def _is_own_json(asked: Asked) -> bool:
    return asked.output.kinds == ("palette",)


def _parse_range(part: str) -> tuple[str, float]:
    name, *parameters = (word.strip().lower() for word in part.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key == "q":
            try:
                return name, float(value)
            except ValueError:
                return name, 0.0
    return name, 1.0


def _encode(result: Result, asked: Asked) -> dict[str, bytes]:
    """The files by their names, which are the command line's."""
    output = asked.output
    paths = output_paths(Path(), result.name, output.kinds, output.format)
    return {
        path.name: result.encode(
            kind, "png" if kind in OWN_FORMATS else output.format, output.metadata,
            quality=output.quality, crop=output.crop, size=output.size,
        )
        for kind, path in zip(output.kinds, paths, strict=True)
    }  # fmt: skip


def _headers(
    result: Result, metrics: dict[str, float | None], timings: dict[str, float]
) -> dict[str, str]:
    height, width = result.alpha.shape
    headers = {
        "Cartoonify-Width": str(width),
        "Cartoonify-Height": str(height),
        "Cartoonify-Share": f"{result.share:.6f}",
        "Cartoonify-Palette": ",".join(result.palette.by_share),
        "Server-Timing": ", ".join(f"{stage};dur={ms:.1f}" for stage, ms in timings.items()),
    }
    if result.warnings:
        headers["Cartoonify-Warnings"] = json.dumps(result.warnings)
    if metrics:
        headers["Cartoonify-Metrics"] = json.dumps(metrics)
    return headers


def _to_zip(files: dict[str, bytes]) -> bytes:
    """Stored, because pictures are compressed; always the same bytes for the same pictures."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)
    return buffer.getvalue()


def _to_json(
    result: Result,
    files: dict[str, bytes],
    metrics: dict[str, float | None],
    timings: dict[str, float],
) -> bytes:
    height, width = result.alpha.shape
    document = {
        "name": result.name, "width": width, "height": height, "share": result.share,
        "warnings": list(result.warnings), "metrics": metrics, "palette": result.palette.by_share,
        "style": result.style, "model": result.model,
        "timings": {stage: round(ms, 1) for stage, ms in timings.items()},
        "pictures": {name: _data_uri(name, data) for name, data in files.items()},
    }  # fmt: skip
    return json.dumps(document).encode()


def _data_uri(name: str, data: bytes) -> str:
    media_type = TYPES[name.rpartition(".")[2]]
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"
