"""Means, order and reasons: what a report says of its photos."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

from engine.record import PhotoRecord

METRICS = ("mse", "log_mse", "ssim")
LITTLE = 0.02
"""Of the picture: a person below this share is perhaps none."""
FAR = 20.0
"""Levels: a channel that is off by more, on average, has lost what it showed."""


def summarise(records: Sequence[PhotoRecord]) -> dict[str, Any]:
    """How many were done and failed, means of metrics, share and time, the best and the worst."""
    done = [record for record in records if record.state != "failed"]
    ranked = rank(done)
    return {
        "photos": len(records),
        "done": len(done),
        "failed": len(records) - len(done),
        "warnings": sum(len(record.warnings) for record in done),
        "mean": {
            **{name: _mean([record.metrics.get(name) for record in done]) for name in METRICS},
            "share": _mean([record.share for record in done]),
            "ms": _mean([total_ms(record) for record in done]),
        },
        "worst": [record.photo for record in ranked[:5]],
        "best": [record.photo for record in ranked[::-1][:5]],
    }


def rank(records: Sequence[PhotoRecord]) -> list[PhotoRecord]:
    """Worst first: by SSIM; what has none is left out."""
    measured = [record for record in records if record.metrics.get("ssim") is not None]
    return sorted(measured, key=lambda record: record.metrics["ssim"] or 0.0)


def total_ms(record: PhotoRecord) -> float:
    """All stages, from reading to the cartoon."""
    return float(sum(record.timings_ms.values()))


def explain(record: PhotoRecord) -> list[str]:
    """Why a photo may have come out as it did: a few words each."""
    if record.state == "failed":
        return [record.told()]
    reasons = list(record.warnings)
    if 0 < record.share < LITTLE:
        reasons.append(f"only {record.share:.1%} of the picture kept")
    for channel, counts in record.histograms.items():
        off = mean_shift(counts, record.palette[channel])
        colours = len(record.palette[channel])
        if off > FAR:
            reasons.append(f"{channel}: {colours} for all, off by {off:.0f} levels on average")
    return reasons


def main_loss(record: PhotoRecord) -> str:
    """The channel whose pixels, its commonest level aside, were moved furthest."""
    shifts = {}
    for channel, counts in record.histograms.items():
        common = counts.index(max(counts))
        others = [0 if level == common else count for level, count in enumerate(counts)]
        shifts[channel] = mean_shift(others, record.palette[channel])
    if not shifts:
        return "done in a run without a report: no histograms"
    channel = max(shifts, key=lambda name: shifts[name])
    colours = len(record.palette[channel])
    off = f"{shifts[channel]:.0f} on average"
    return f"most is lost in {channel}: {colours} levels for all, off by {off}"


def mean_shift(counts: Sequence[int], centroids: Sequence[int]) -> float:
    """How many levels quantisation moves a pixel of this channel, on average."""
    moved = sum(
        count * min(abs(level - centroid) for centroid in centroids)
        for level, count in enumerate(counts)
        if count
    )
    return moved / max(sum(counts), 1)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None and math.isfinite(value)]
    return statistics.fmean(known) if known else None
