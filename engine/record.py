"""What is known of a photo that was done, without its pictures: for JSON, journal and report."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from engine.display import data_uri
from engine.result import Result

THUMBNAIL_SIDE = 160
Record = dict[str, Any]
"""Ready for JSON; the keys are those of `to_record`."""


def to_record(
    result: Result, source: str, files: Iterable[Path], measure: bool, detail: bool = False
) -> Record:
    """Size, share of the kept classes, palette, metrics, timings, files and warnings of a result.

    Without `measure` there are no metrics, which take time. A number without a value is None. With
    `detail` there are thumbnails, as data: URIs, and histograms: what a report shows.
    """
    height, width = result.alpha.shape
    metrics = result.metrics if measure else {}
    record = {
        "photo": source,
        "width": width,
        "height": height,
        "share": result.share,
        "palette": {name: levels.tolist() for name, levels in result.palette.items()},
        "metrics": {
            name: value if math.isfinite(value) else None for name, value in metrics.items()
        },
        "timings_ms": {stage: round(ms, 3) for stage, ms in result.timings.items()},
        "files": [str(path) for path in files],
        "warnings": list(result.warnings),
        "model": result.model,
        "provider": result.provider,
    }
    if detail:
        pictures = {"photo": result.photo, "cutout": result.cutout, "cartoon": result.cartoon}
        record["thumbnails"] = {
            kind: data_uri(pixels, THUMBNAIL_SIDE) for kind, pixels in pictures.items()
        }
        record["histograms"] = {
            channel: counts.tolist() for channel, counts in result.histograms.items()
        }
    return record
