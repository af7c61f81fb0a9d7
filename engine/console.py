"""What the command line prints of a photo: a line, or a JSON object."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.batch import Outcome
    from engine.pipeline import Cartoonifier


def as_line(outcome: Outcome) -> str:
    """Size, share of the kept classes, colours per channel, SSIM and milliseconds."""
    result = outcome.result
    assert result is not None
    height, width = result.alpha.shape
    colours = "/".join(str(len(centroids)) for centroids in result.palette.values())
    return (
        f"{_printable(outcome.job.source)}  {width} x {height}  kept {result.share:.1%}  "
        f"colours {colours}  SSIM {result.metrics['ssim']:.3f}  "
        f"{sum(result.timings.values()):.0f} ms"
    )


def _printable(name: str) -> str:
    """On one line, whatever the file's name is."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)


def as_json(outcome: Outcome, cartoonifier: Cartoonifier) -> str:
    """All that is known of a photo's outcome, on one line; a number without a value is null."""
    facts: dict[str, Any] = {"photo": outcome.job.source}
    if outcome.error:
        facts |= {"error": str(outcome.error), "exit_code": outcome.error.exit_code}
    if outcome.result:
        result = outcome.result
        height, width = result.alpha.shape
        facts |= {
            "width": width,
            "height": height,
            "share": result.share,
            "palette": {name: levels.tolist() for name, levels in result.palette.items()},
            "metrics": {
                name: value if math.isfinite(value) else None
                for name, value in result.metrics.items()
            },
            "timings_ms": {stage: round(ms, 3) for stage, ms in result.timings.items()},
            "files": [str(path) for path in outcome.paths],
            "warnings": result.warnings,
            "model": cartoonifier.model.name,
            "provider": cartoonifier.provider,
        }
    return json.dumps(facts, ensure_ascii=False)
