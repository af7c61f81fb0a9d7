"""The report of a batch on this machine, or on a cluster."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.report.write import write_report

if TYPE_CHECKING:
    from engine.batch import Batch, Outcome
    from engine.distributed import Plan


def report_batch(batch: Batch, outcomes: Sequence[Outcome], threads: int, figures: bool) -> Path:
    """Writes the report into the output folder; of what was done before, the journal knows."""
    folder = batch.output.folder
    assert folder is not None
    before = batch.journal.records() if batch.journal else {}
    records = [
        {"photo": outcome.job.source, "error": str(outcome.error)}
        if outcome.error
        else outcome.record or before[outcome.job.name]
        for outcome in outcomes
    ]
    settings = {"command": sys.argv, "threads": threads, **json.loads(batch.settings)}
    return write_report(folder, "Cartoonify", records, settings, figures)


def report_rows(rows: Sequence[dict[str, Any]], plan: Plan, figures: bool) -> Path:
    """Writes the report of a cluster's rows into the output folder, which is here."""
    records = [
        {"photo": row["photo"], "error": row["error"]}
        if row["error"]
        else json.loads(row["record"])
        for row in rows
    ]
    settings = {"command": sys.argv, **asdict(plan)}
    return write_report(Path(plan.out), "Cartoonify", records, settings, figures)
