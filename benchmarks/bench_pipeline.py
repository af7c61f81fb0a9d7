"""A whole photo, array to result, with the share of each stage."""

import statistics

import pytest

import engine


@pytest.fixture(scope="module")
def app():
    with engine.load(provider="cpu") as app:
        yield app


@pytest.mark.parametrize("mode", ["default", "classic"])
def bench_photo(benchmark, size, photo, app, mode):
    benchmark.group = f"whole pipeline, {size}"
    benchmark.param = mode
    app = app.replace(segment=engine.SegmentOptions(classic=mode == "classic"))
    timings = []
    result = benchmark(lambda: timings.append((r := app(photo)).timings) or r)
    total = sum(statistics.median(t[stage] for t in timings) for stage in result.timings)
    benchmark.extra_info["stages"] = {
        stage: statistics.median(t[stage] for t in timings) / total for stage in result.timings
    }
    assert 0.2 < result.share < 0.6
