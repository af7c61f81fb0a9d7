"""Kernels against the reference, same input, equal results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from PIL import Image
from pytest_benchmark.fixture import BenchmarkFixture
from skimage.metrics import structural_similarity

import engine
from engine.cartoon.classic import stylise
from engine.kernels import edges, palette, pixels
from engine.reference import labels as reference_labels
from engine.reference import palette as reference_palette
from engine.reference import stylise as reference
from engine.segment.labels import find_labels
from engine.segment.preprocess import resize

Picture = NDArray[np.uint8]
Histograms = tuple[NDArray[np.int64], ...]

TWINS = pytest.mark.parametrize("twin", ["reference", "kernel"])


@pytest.fixture(scope="session")
def hsv(photo: Picture) -> np.ndarray:
    return cv2.cvtColor(photo, cv2.COLOR_RGB2HSV)


@pytest.fixture(scope="session")
def hists(hsv: Picture) -> Histograms:
    return reference.count_levels(hsv)


def measure(
    benchmark: BenchmarkFixture,
    group: str,
    size: str,
    twin: str,
    twins: dict[str, Callable[[], Any]],
) -> tuple[Any, Any]:
    """What the twin that is measured gives, and what the reference gives."""
    benchmark.group = f"{group}, {size}"
    benchmark.params, benchmark.param = {"twin": twin}, twin
    got = benchmark(twins[twin])
    return got, twins["reference"]()


@TWINS
def bench_k_histogram(benchmark: BenchmarkFixture, size: str, hists: Histograms, twin: str) -> None:
    twins = {
        "reference": lambda: [reference_palette.k_histogram(hist) for hist in hists],
        "kernel": lambda: [palette.k_histogram(hist, 0.001, 80) for hist in hists],
    }
    got, expected = measure(benchmark, "k_histogram, three channels", size, twin, twins)
    for a, b in zip(got, expected, strict=True):
        assert_array_equal(a, b)


@TWINS
def bench_hsv_and_histograms(
    benchmark: BenchmarkFixture, size: str, photo: Picture, twin: str
) -> None:
    planes = photo.transpose(2, 0, 1).copy()
    room = np.empty_like(planes)

    def kernel() -> Any:
        np.copyto(room, planes)
        counts = np.zeros((3, 256), np.int64)
        pixels.to_hsv(room, 0, photo.shape[0], counts)
        return counts[0, :180], counts[1], counts[2]

    twins = {
        "reference": lambda: reference.count_levels(cv2.cvtColor(photo, cv2.COLOR_RGB2HSV)),
        "kernel": kernel,
    }
    got, expected = measure(benchmark, "HSV and histograms", size, twin, twins)
    for a, b in zip(got, expected, strict=True):
        assert_array_equal(a, b)


@TWINS
def bench_edges(benchmark: BenchmarkFixture, size: str, photo: Picture, twin: str) -> None:
    planes = photo.transpose(2, 0, 1).copy()
    height, width = photo.shape[:2]

    def kernel() -> Any:
        marked = np.zeros((height + 2, width + 2), np.uint8)
        edges.follow(marked, edges.find_peaks(planes, 100, 200, 0, height, marked))
        return marked[1:-1, 1:-1] > 0

    twins = {"reference": lambda: cv2.Canny(photo, 100, 200) > 0, "kernel": kernel}
    got, expected = measure(
        benchmark, "edges (reference: OpenCV, all its threads)", size, twin, twins
    )
    assert_array_equal(got, expected)


@TWINS
def bench_quantise(
    benchmark: BenchmarkFixture, size: str, hsv: Picture, hists: Histograms, twin: str
) -> None:
    centroids = [palette.k_histogram(hist, 0.001, 80) for hist in hists]
    planes, out = hsv.transpose(2, 0, 1).copy(), np.empty_like(hsv)
    groups = hsv.shape[1] // 128 * 128  # as the engine does it; the rest is OpenCV's

    def kernel() -> Any:
        tables = np.stack([palette.quantise_table(channel) for channel in centroids])
        places, colours = stylise._mix_palette(tables, cv2.COLOR_HSV2RGB)
        pixels.paint(planes, places, colours, 0, len(out), groups, 0, 0, out)
        return out[:, :groups]

    def plain() -> Any:
        levels = [reference.quantise(hsv[..., c], centroids[c]) for c in range(3)]
        return cv2.cvtColor(np.dstack(levels), cv2.COLOR_HSV2RGB)[:, :groups]

    twins = {"reference": plain, "kernel": kernel}
    got, expected = measure(benchmark, "quantise and RGB", size, twin, twins)
    assert_array_equal(got, expected)


@TWINS
def bench_resize(benchmark: BenchmarkFixture, size: str, photo: Picture, twin: str) -> None:
    def pillow() -> np.ndarray:
        return np.asarray(Image.fromarray(photo).resize((577, 449), Image.Resampling.BILINEAR))

    twins = {"reference": pillow, "kernel": lambda: resize(photo, (449, 577))}
    got, expected = measure(benchmark, "resize (reference: Pillow)", size, twin, twins)
    assert np.abs(got.astype(int) - expected).max() <= 1


@TWINS
def bench_cartoonize(benchmark: BenchmarkFixture, size: str, photo: Picture, twin: str) -> None:
    twins = {
        "reference": lambda: reference.cartoonize(photo),
        "kernel": lambda: engine.cartoonize(photo),
    }
    got, expected = measure(benchmark, "cartoon stage, whole", size, twin, twins)
    assert_array_equal(got, expected)


@TWINS
def bench_label_map(benchmark: BenchmarkFixture, size: str, photo: Picture, twin: str) -> None:
    logits = np.random.default_rng(0).normal(size=(21, 25, 33)).astype(np.float32)
    logits = np.ascontiguousarray(np.stack([cv2.GaussianBlur(c, (9, 9), 0) for c in logits]))
    logits[15, 5:20, 10:25] += 3
    height, width = photo.shape[:2]

    twins = {
        "reference": lambda: reference_labels.upsample_labels(logits, height, width),
        "kernel": lambda: find_labels(logits[None], height, width),
    }
    got, expected = measure(benchmark, "logits to label map", size, twin, twins)
    assert_array_equal(got, expected)


@TWINS
def bench_ssim(benchmark: BenchmarkFixture, size: str, photo: Picture, twin: str) -> None:
    other = np.ascontiguousarray(photo[::-1])
    twins = {
        "reference": lambda: structural_similarity(photo, other, channel_axis=2),
        "kernel": lambda: engine.ssim(photo, other),
    }
    got, expected = measure(benchmark, "SSIM (reference: scikit-image)", size, twin, twins)
    assert got == pytest.approx(expected, abs=1e-9)
