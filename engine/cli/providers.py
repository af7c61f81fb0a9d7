"""Which providers run the embedded network here, and how fast; `cartoonify doctor` asks."""

from __future__ import annotations

import os
import statistics
import time
from typing import TYPE_CHECKING, Any

from engine.cli.exits import flag
from engine.errors import EngineError
from engine.options import PROVIDERS

if TYPE_CHECKING:
    from engine.pipeline import Cartoonifier

HEIGHT, WIDTH = 450, 600
SECONDS = 1.0
"""For which each provider is timed."""


def examine_providers(problems: list[str]) -> dict[str, Any]:
    """What each provider says, and the milliseconds of the network on each that works.

    Where the CPU does not work, and so neither "auto" does, that is also appended as a sentence;
    all else need not be installed.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    found: dict[str, Any] = {"available": onnxruntime.get_available_providers()}
    network_ms: dict[str, float] = {}
    for asked in PROVIDERS:
        found[asked], works = _try(asked, network_ms)
        if not works and asked in ("auto", "cpu"):
            problems.append(f"provider {asked}: {found[asked]}")
    return {"providers": found, "network_ms": network_ms}


def _try(asked: str, network_ms: dict[str, float]) -> tuple[str, bool]:
    from engine import pipeline

    try:
        with pipeline.load(provider=asked) as app:
            if app.provider not in network_ms:
                network_ms[app.provider] = round(_time(app), 1)
            return f"{app.model.name} runs on {app.provider}", True
    except EngineError as error:
        return error.told(flag).removeprefix(f"{asked}: "), False


def _time(app: Cartoonifier) -> float:
    """Median milliseconds of the network for a photo of HEIGHT x WIDTH."""
    import numpy as np

    seen = app.see(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    app.recognise(seen)  # compiles what depends on the size
    timings: list[float] = []
    end = time.perf_counter() + SECONDS
    while not timings or time.perf_counter() < end:
        timings.append(app.recognise(seen).timings["network"])
    return statistics.median(timings)
