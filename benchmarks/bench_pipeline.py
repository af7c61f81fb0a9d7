"""A whole photo, array to result, with the share of each stage."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import engine


@pytest.fixture(scope="module")
def app() -> Iterator[engine.Cartoonifier]:
    with engine.load(provider="cpu") as app:
        yield app


@pytest.mark.parametrize("mode", ["default", "classic"])
def bench_photo(
    benchmark: BenchmarkFixture, size: str, photo: np.ndarray, app: engine.Cartoonifier, mode: str
) -> None:
    benchmark.group = f"whole pipeline, {size}"
    benchmark.param = mode
    app = app.replace(segment=engine.SegmentOptions(classic=mode == "classic"))
    timings: list[dict[str, float]] = []

    def run() -> engine.Result:
        result = app(photo)
        timings.append(result.timings)
        return result

    result = benchmark(run)
    total = sum(statistics.median(t[stage] for t in timings) for stage in result.timings)
    benchmark.extra_info["stages"] = {
        stage: statistics.median(t[stage] for t in timings) / total for stage in result.timings
    }
    assert 0.2 < result.share < 0.6
