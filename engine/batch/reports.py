"""The report of a batch on this machine, or on a cluster."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from engine.report.write import write_report

if TYPE_CHECKING:
    from engine.batch.cluster import Plan
    from engine.batch.run import Batch
    from engine.record import PhotoRecord


def report_batch(batch: Batch, records: Sequence[PhotoRecord], threads: int, figures: bool) -> Path:
    """Writes the report into the output folder."""
    folder = batch.output.folder
    assert folder is not None
    settings = {"command": sys.argv, "threads": threads, **json.loads(batch.settings)}
    return write_report(folder, "Cartoonify", records, settings, figures)


def report_rows(records: Sequence[PhotoRecord], plan: Plan, figures: bool) -> Path:
    """Writes the report of a cluster's photos into the output folder, which is here."""
    settings = {"command": sys.argv, **asdict(plan)}
    return write_report(Path(plan.out), "Cartoonify", records, settings, figures)
