"""Contenders in turn, in one process: A B C A B C ..., so that a slow moment hits them all."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

LEAST_S = 2e-3
"""What is shorter is repeated within its turn: caches are warm, as in a loop over photos."""
PAUSE_S = 0.15
"""After a contender whose threads spin for a while, and would slow the next one."""


@dataclass(frozen=True)
class Ratio:
    """How many times faster one contender was than another, round by round."""

    median: float
    low: float
    """First quartile of the rounds."""
    high: float

    def __str__(self) -> str:
        digits = 0 if self.median >= 100 else 1 if self.median >= 10 else 2
        return f"{self.median:.{digits}f} ({self.low:.{digits}f}..{self.high:.{digits}f})"


def in_turns(
    contenders: Mapping[str, Callable[[], Any]], rounds: int, warm_up: int = 2, pause: bool = False
) -> dict[str, list[float]]:
    """Seconds of each round for each contender, the warm-up left out."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    repeats = dict.fromkeys(contenders, 1)
    for turn in range(warm_up + rounds):
        for name, run in contenders.items():
            if pause:
                time.sleep(PAUSE_S)
            start = time.perf_counter()
            for _ in range(repeats[name]):
                run()
            elapsed = (time.perf_counter() - start) / repeats[name]
            if turn >= warm_up:
                seconds[name].append(elapsed)
            elif turn == warm_up - 1:
                repeats[name] = math.ceil(LEAST_S / elapsed)
    return seconds


def compare(seconds: dict[str, list[float]], slow: str, fast: str) -> Ratio:
    """The time of `slow` over that of `fast`."""
    ratios = [a / b for a, b in zip(seconds[slow], seconds[fast], strict=True)]
    low, median, high = np.percentile(ratios, (25, 50, 75)).tolist()
    return Ratio(median, low, high)


def median_ms(seconds: list[float]) -> float:
    """The median, in milliseconds."""
    return statistics.median(seconds) * 1e3
