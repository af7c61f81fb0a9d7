"""The refined styles' kernels against the reference, same input, equal results.

All but the last stage see a working picture, whose size hardly depends on the photo's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.bench_kernels import TWINS, measure
from engine.cartoon.refined import regions as stages
from engine.cartoon.refined.ink import WEAK
from engine.cartoon.refined.palette import find_colours, paint
from engine.cartoon.refined.render import find_taps
from engine.cartoon.refined.smooth import smooth
from engine.cartoon.refined.styles import METRIC, STYLES
from engine.cartoon.refined.working import Working, find_working
from engine.kernels import lines, raster, tones
from engine.kernels import smooth as smoothing
from engine.options import CartoonOptions
from engine.reference import lines as reference_lines
from engine.reference import raster as reference_raster
from engine.reference import smooth as reference_smoothing
from engine.reference import tones as reference_tones

Field = NDArray[np.float32]

COMIC = STYLES["comic"]
ONE_SIZE = pytest.mark.parametrize("size", ["432 x 288"], ids=["432x288"], indirect=True)


@pytest.fixture
def working(photo: NDArray[np.uint8]) -> Working:
    working = find_working(photo, None)
    assert working is not None
    return working


@pytest.fixture
def smoothed(working: Working) -> Field:
    return smooth(working, COMIC.smooth_reach * working.unit, 1)


def compare(
    benchmark: BenchmarkFixture,
    name: str,
    size: str,
    twin: str,
    reference: Callable[[], tuple[np.ndarray, ...]],
    kernel: Callable[[], tuple[np.ndarray, ...]],
) -> None:
    twins: dict[str, Callable[[], Any]] = {"reference": reference, "kernel": kernel}
    for got, expected in zip(*measure(benchmark, name, size, twin, twins), strict=True):
        assert_array_equal(got, expected)


@ONE_SIZE
@TWINS
def bench_smoothing(benchmark: BenchmarkFixture, working: Working, size: str, twin: str) -> None:
    (height, width), lab, alpha = working.alpha.shape, working.lab, working.alpha
    steps = np.abs(np.diff(lab.astype(np.int64), axis=0, prepend=lab[:1])).sum(axis=2)
    down = steps.clip(0, 255).astype(np.uint8)
    across = np.ascontiguousarray(down.T)  # any steps do
    feedback = np.exp(-np.arange(512, dtype=np.float32).reshape(2, 256) / 50)

    def kernel() -> tuple[np.ndarray, ...]:
        planes = np.empty((height, smoothing.PLANES, width), np.float32)
        smoothed = np.empty((height, width, 3), np.float32)
        smoothing.weigh(lab, alpha, 0, height, planes)
        smoothing.filter_rows(planes, across, feedback, 0, height)
        smoothing.filter_columns(planes, down, feedback, 0, width)
        smoothing.divide(planes, 0, height, smoothed)
        return (smoothed,)

    def reference() -> tuple[np.ndarray, ...]:
        planes = reference_smoothing.weigh(lab, alpha)
        planes = reference_smoothing.filter_rows(planes, across, feedback)
        planes = reference_smoothing.filter_columns(planes, down, feedback)
        return (reference_smoothing.divide(planes),)

    compare(benchmark, "refined: smoothing", size, twin, reference, kernel)


@ONE_SIZE
@TWINS
def bench_counts(
    benchmark: BenchmarkFixture, working: Working, smoothed: Field, size: str, twin: str
) -> None:
    def kernel() -> tuple[np.ndarray, ...]:
        hists, cells = np.zeros((3, 256), np.int64), np.zeros((np.prod(tones.CELLS), 4), np.int64)
        tones.count(smoothed, working.alpha, 0, len(smoothed), hists, cells)
        return hists, cells

    compare(
        benchmark, "refined: counting colours", size, twin,
        lambda: reference_tones.count(smoothed, working.alpha), kernel,
    )  # fmt: skip


@ONE_SIZE
@TWINS
def bench_merging(benchmark: BenchmarkFixture, size: str, twin: str) -> None:
    rng = np.random.default_rng(0)
    colours, mass = rng.uniform(0, 100, (120, 3)), rng.uniform(0.001, 0.02, 120)
    rules = COMIC.most_colours, COMIC.least_distance**2, COMIC.least_share

    def kernel() -> tuple[np.ndarray, ...]:
        few, heavy = colours.copy(), mass.copy()
        count = tones.merge(few, heavy, *rules)
        return few[:count], heavy[:count]

    compare(
        benchmark, "refined: joining 120 colours", size, twin,
        lambda: reference_tones.merge(colours, mass, *rules), kernel,
    )  # fmt: skip


@ONE_SIZE
@TWINS
def bench_assignment(
    benchmark: BenchmarkFixture, working: Working, smoothed: Field, size: str, twin: str
) -> None:
    alpha, options = working.alpha, CartoonOptions()
    palette = paint(find_colours(smoothed, alpha, COMIC, options, 1), COMIC, 1.0)
    colours, painted = (palette.lab * METRIC).astype(np.float32), palette.rgb.copy()
    softness, gentle, steep = np.array([0.6, 2.5, 5], np.float32)

    def kernel() -> tuple[np.ndarray, ...]:
        (labels, soft), toned = np.empty((2, *alpha.shape), np.uint8), np.empty_like(working.lab)
        tones.assign(
            smoothed, alpha, colours, painted, softness, gentle, steep, 0, len(alpha),
            labels, toned, soft,
        )  # fmt: skip
        return labels, toned, soft

    compare(
        benchmark, "refined: assigning colours", size, twin,
        lambda: reference_tones.assign(
            smoothed, alpha, colours, painted, float(softness), float(gentle), float(steep)
        ),
        kernel,
    )  # fmt: skip


@ONE_SIZE
@TWINS
def bench_lines(benchmark: BenchmarkFixture, smoothed: Field, size: str, twin: str) -> None:
    light = np.ascontiguousarray(smoothed[100:196, 200:328, 0])  # the twin walks pixel by pixel
    response, half = light - light.mean(), np.ascontiguousarray(light[::2, ::2])
    gain, strong = np.ones((24, 32), np.float32), np.full((24, 32), 4, np.float32)
    weights, stride = np.exp(-np.arange(6, dtype=np.float32)), np.float32(1.5)
    floor, removed = np.float32(WEAK), np.float32(-1)

    def kernel() -> tuple[np.ndarray, ...]:
        tensor, tangent = (
            np.empty((*half.shape, 3), np.float32),
            np.empty((*half.shape, 2), np.float32),
        )
        average = np.empty_like(response)
        lines.find_tensor(half, tensor)
        lines.find_tangent(tensor, tangent)
        lines.average_along(response, tangent, weights, stride, gain, floor, 0, 96, average)
        lines.drop_weak(average, strong, 20, removed)
        return (average,)

    def reference() -> tuple[np.ndarray, ...]:
        tangent = reference_lines.find_tangent(reference_lines.find_tensor(half))
        average = reference_lines.average_along(response, tangent, weights, stride, gain, floor)
        return (reference_lines.drop_weak(average, strong, 20, removed),)

    compare(benchmark, "refined: lines of 128 x 96 pixels", size, twin, reference, kernel)


@ONE_SIZE
@TWINS
def bench_rendering(
    benchmark: BenchmarkFixture, working: Working, smoothed: Field, size: str, twin: str
) -> None:
    """A quarter of the working picture, drawn twice as large; the twin takes memory for more."""
    palette = paint(find_colours(smoothed, working.alpha, COMIC, CartoonOptions(), 1), COMIC, 1.0)
    regions = stages.find_regions(smoothed, working, palette, COMIC, 1)
    h, w = (side // 2 for side in working.alpha.shape)
    fields = np.ascontiguousarray(regions.fields[:, :h, :w])
    parts = regions.labels, regions.tones, regions.soft, smoothed[..., 0] - 60, smoothed[..., 1]
    labels, toned, soft, ink, edge = (np.ascontiguousarray(part[:h, :w]) for part in parts)
    shapes = labels, toned, soft, ink, edge
    colours, outline = palette.rgb.copy(), np.float32(0.7)
    rows, row_shares, sy = find_taps(h, 0, 2 * h, 2 * h)
    columns, column_shares, sx = find_taps(w, 0, 2 * w, 2 * w)
    starts, black = np.searchsorted(columns, np.arange(w)), np.array([22, 18, 22], np.uint8)
    behind, order = np.full((2 * h, 2 * w, 3), 255, np.uint8), np.arange(2 * h)
    opaque = np.empty((0, 2 * w), np.uint8)

    def kernel() -> tuple[np.ndarray, ...]:
        kinds, out = np.empty((h - 1, w - 1), np.uint8), behind.copy()
        raster.find_kinds(*shapes, colours, outline, 0, h - 1, kinds)
        raster.render(
            fields, *shapes, kinds, colours, black, outline, rows, row_shares, starts,
            column_shares, sx, sy, order, 0, 2 * h, out.reshape(2 * h, -1), opaque,
        )  # fmt: skip
        return (out,)

    def reference() -> tuple[np.ndarray, ...]:
        taps = reference_raster.Taps((rows, row_shares), (columns, column_shares), sx, sy)
        out, _ = reference_raster.render(
            fields, *shapes, colours, black, outline, taps, behind, False
        )  # fmt: skip
        return (out,)

    compare(benchmark, "refined: rendering", size, twin, reference, kernel)
