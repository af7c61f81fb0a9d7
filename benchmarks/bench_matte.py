"""Logits to alpha matte at the photo's size: soft and refined edges."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.portrait import portrait
from engine.cutout.matte import soft_matte
from engine.cutout.refine import open_refiner, refined_matte
from engine.segment.labels import upsample


@pytest.mark.parametrize("edges", ["soft", "refined"])
def bench_edges(
    benchmark: BenchmarkFixture, size: str, photo: NDArray[np.uint8], edges: str
) -> None:
    benchmark.group = f"coarse probability to matte, {size}"
    benchmark.param = edges
    height, width = photo.shape[:2]
    y, x = np.ogrid[:113, :145]
    coarse = 1 / (1 + np.exp((np.hypot(y - 60, x - 70) - 40) / 2)).astype(np.float32)
    small = portrait(449, 577, cv2.INTER_AREA)
    refiner = open_refiner("cpu", 1)

    def soft() -> np.ndarray:
        return soft_matte(upsample(coarse, height, width, True), 0.5)

    def refined() -> np.ndarray:
        return refined_matte(coarse, photo, small, 0.5, True, refiner)[0]

    alpha = benchmark(soft if edges == "soft" else refined)
    assert 0.2 < alpha.mean() < 0.5
