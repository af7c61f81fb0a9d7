"""Means, order, groups and reasons: what a report says of its photos."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from engine.record import CHANNELS, CLASSIC_CHANNELS, PhotoRecord

METRICS = ("mse", "log_mse", "ssim")
LITTLE = 0.02
"""Of the picture: what is below this share may not be a person."""
FAR = 20.0
"""Levels: a channel that is off by more, on average, has lost what it showed."""
FEW = 12
"""Colours: a palette that mixes fewer makes a flat cartoon."""


def summarise(records: Sequence[PhotoRecord]) -> dict[str, Any]:
    """How many were done and failed, means of metrics, share and time, the best and the worst.

    Photos in which nothing was kept are counted as "empty". They are in no mean and in no order,
    because a cartoon of nothing equals its cut-out.
    """
    done = [record for record in records if record.state != "failed"]
    kept = [record for record in done if is_kept(record)]
    ranked = rank(kept)
    return {
        "photos": len(records),
        "done": len(done),
        "failed": len(records) - len(done),
        "empty": len(done) - len(kept),
        "few_colours": sum(map(has_few_colours, records)),
        "warnings": sum(len(record.warnings) for record in done),
        "mean": {
            **{name: _mean([record.metrics.get(name) for record in kept]) for name in METRICS},
            "share": _mean([record.share for record in kept]),
            "ms": _mean([total_ms(record) for record in kept]),
        },
        "worst": [record.photo for record in ranked[:5]],
        "best": [record.photo for record in ranked[::-1][:5]],
    }


def rank(records: Sequence[PhotoRecord]) -> list[PhotoRecord]:
    """Worst first: by SSIM; failed and empty photos, and what has no SSIM, are left out."""
    measured = [r for r in records if is_kept(r) and r.metrics.get("ssim") is not None]
    return sorted(measured, key=lambda record: record.metrics["ssim"] or 0.0)


def is_kept(record: PhotoRecord) -> bool:
    """Whether the photo was done, and something in it was kept."""
    return record.state != "failed" and not record.is_empty


def has_few_colours(record: PhotoRecord) -> bool:
    """Whether something was kept, and drawn by classic in few colours. Other styles mean to."""
    return record.style == "classic" and is_kept(record) and 0 < count_colours(record) < FEW


def count_colours(record: PhotoRecord) -> int:
    """How many a cartoon has; in classic, how many its levels can mix. 0 for nothing drawn."""
    if record.style == "classic":
        return math.prod(map(len, record.centroids.values())) if record.centroids else 0
    return len(record.colours)


def tell_colours(record: PhotoRecord) -> str:
    """How many a cartoon has; in classic, how many levels each channel has."""
    if record.style == "classic":
        return "/".join(str(len(levels)) for levels in record.centroids.values())
    return str(len(record.colours))


GROUPS: dict[str, Callable[[PhotoRecord], bool]] = {
    "failed": lambda record: record.state == "failed",
    "nobody found": lambda record: record.is_empty,
    "few colours": has_few_colours,
    "warnings": lambda record: bool(record.warnings),
}
"""What one looks for first, and which photos belong to it."""


def total_ms(record: PhotoRecord) -> float:
    """All stages, from reading to the cartoon."""
    return float(sum(record.timings_ms.values()))


def explain(record: PhotoRecord) -> list[str]:
    """Why a photo may have come out as it did: a few words each."""
    if record.state == "failed":
        return [record.told()]
    reasons = list(record.warnings)
    if 0 < record.share < LITTLE:
        reasons.append(f"only {record.share:.1%} of the picture is kept")
    if has_few_colours(record):
        reasons.append(f"its palette mixes only {_count(count_colours(record), 'colour')}")
    for channel, counts, centroids in histograms_of(record):
        off = mean_shift(counts, centroids, _is_circle(record, channel))
        if off > FAR:
            reasons.append(f"{channel} {_loss(off, centroids)}")
    return reasons


def main_loss(record: PhotoRecord) -> str:
    """The channel whose pixels, its commonest level aside, were moved furthest."""
    shifts = {}
    for channel, counts, centroids in histograms_of(record):
        common = counts.index(max(counts))
        others = [0 if level == common else count for level, count in enumerate(counts)]
        shifts[channel] = mean_shift(others, centroids, _is_circle(record, channel))
    if not shifts and record.thumbnails:
        return "no histograms, because its colours were given"
    if not shifts:
        return "no histograms, because it was done in a run without a report"
    channel = max(shifts, key=lambda name: shifts[name])
    return f"{channel} loses most: it {_loss(shifts[channel], record.centroids[channel])}"


def histograms_of(record: PhotoRecord) -> Iterator[tuple[str, Sequence[int], Sequence[int]]]:
    """Name, counts and centroids of each channel that has both."""
    for channel in CLASSIC_CHANNELS if record.style == "classic" else CHANNELS:
        counts, centroids = record.histograms.get(channel), record.centroids.get(channel)
        if counts and centroids:
            yield channel, counts, centroids


def mean_shift(counts: Sequence[int], centroids: Sequence[int], is_circle: bool = False) -> float:
    """How many levels quantisation moves a pixel of this channel, on average.

    On a circle the last level is beside the first.
    """

    def distance(level: int) -> int:
        nearest = min(abs(level - centroid) for centroid in centroids)
        around = min(len(counts) - abs(level - centroid) for centroid in centroids)
        return min(nearest, around) if is_circle else nearest

    moved = sum(count * distance(level) for level, count in enumerate(counts) if count)
    return moved / max(sum(counts), 1)


def _is_circle(record: PhotoRecord, channel: str) -> bool:
    """Whether the channel is hue, which classic cuts at red."""
    return channel == "hue" and record.style != "classic"


def _loss(off: float, centroids: Sequence[int]) -> str:
    return f"has {_count(len(centroids), 'level')} and is off by {off:.0f} levels on average"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    mean = sum(known) / len(known) if known else math.nan
    return mean if math.isfinite(mean) else None
