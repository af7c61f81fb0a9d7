"""What the command line prints of a photo: a line, or a JSON object."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.batch import Outcome


def as_line(outcome: Outcome) -> str:
    """Size, share of the kept classes, colours per channel, SSIM and milliseconds."""
    record = outcome.record
    assert record is not None
    colours = "/".join(str(len(centroids)) for centroids in record["palette"].values())
    ssim = record["metrics"].get("ssim")
    return (
        f"{_printable(outcome.job.source)}  {record['width']} x {record['height']}  "
        f"kept {record['share']:.1%}  colours {colours}  "
        f"SSIM {'-' if ssim is None else format(ssim, '.3f')}  "
        f"{sum(record['timings_ms'].values()):.0f} ms"
    )


def _printable(name: str) -> str:
    """On one line, whatever the file's name is."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)


def as_json(outcome: Outcome) -> str:
    """All that is known of a photo's outcome, on one line."""
    facts = outcome.record or {"photo": outcome.job.source}
    if outcome.error:
        facts = facts | {"error": str(outcome.error), "exit_code": outcome.error.exit_code}
    return json.dumps(facts, ensure_ascii=False)
