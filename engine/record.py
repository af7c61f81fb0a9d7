"""What is known of a photo that was done, without its pictures: for JSON, journal and report."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from engine.result import Result

Record = dict[str, Any]
"""Ready for JSON; the keys are those of `to_record`."""


def to_record(result: Result, source: str, files: Iterable[Path], measure: bool) -> Record:
    """Size, share of the kept classes, palette, metrics, timings, files and warnings of a result.

    Without `measure` there are no metrics, which take time. A number without a value is None.
    """
    height, width = result.alpha.shape
    metrics = result.metrics if measure else {}
    return {
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
