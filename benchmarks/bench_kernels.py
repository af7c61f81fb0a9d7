"""Kernels against the reference, same input, equal results."""

import cv2
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from skimage.metrics import structural_similarity

import engine
from engine.kernels import palette, pixels
from engine.reference import labels as reference_labels
from engine.reference import palette as reference_palette
from engine.reference import stylise as reference
from engine.segment.labels import find_labels

TWINS = pytest.mark.parametrize("twin", ["reference", "kernel"])


@pytest.fixture(scope="session")
def hsv(photo):
    return cv2.cvtColor(photo, cv2.COLOR_RGB2HSV)


@pytest.fixture(scope="session")
def hists(hsv):
    return reference.count_levels(hsv)


def measure(benchmark, group, size, twin, twins):
    benchmark.group = f"{group}, {size}"
    benchmark.params, benchmark.param = {"twin": twin}, twin
    got = benchmark(twins[twin])
    return got, twins["reference"]()


@TWINS
def bench_k_histogram(benchmark, size, hists, twin):
    twins = {
        "reference": lambda: [reference_palette.k_histogram(hist) for hist in hists],
        "kernel": lambda: [palette.k_histogram(hist, 0.001, 80) for hist in hists],
    }
    got, expected = measure(benchmark, "k_histogram, three channels", size, twin, twins)
    for a, b in zip(got, expected, strict=True):
        assert_array_equal(a, b)


@TWINS
def bench_count_levels(benchmark, size, hsv, twin):
    def kernel():
        counts = np.zeros((3, 256), np.int64)
        pixels.count_levels(hsv, counts)
        return counts[0, :180], counts[1], counts[2]

    twins = {"reference": lambda: reference.count_levels(hsv), "kernel": kernel}
    got, expected = measure(benchmark, "histograms", size, twin, twins)
    for a, b in zip(got, expected, strict=True):
        assert_array_equal(a, b)


@TWINS
def bench_quantise(benchmark, size, hsv, hists, twin):
    centroids = [palette.k_histogram(hist, 0.001, 80) for hist in hists]

    def kernel():
        tables = np.stack([palette.quantise_table(channel) for channel in centroids])
        out = hsv.copy()
        pixels.quantise(out, tables)
        return out

    def plain():
        return np.dstack([reference.quantise(hsv[..., c], centroids[c]) for c in range(3)])

    got, expected = measure(
        benchmark, "quantise", size, twin, {"reference": plain, "kernel": kernel}
    )
    assert_array_equal(got, expected)


@TWINS
def bench_cartoonize(benchmark, size, photo, twin):
    twins = {
        "reference": lambda: reference.cartoonize(photo),
        "kernel": lambda: engine.cartoonize(photo),
    }
    got, expected = measure(benchmark, "cartoon stage, whole", size, twin, twins)
    assert_array_equal(got, expected)


@TWINS
def bench_label_map(benchmark, size, photo, twin):
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
def bench_ssim(benchmark, size, photo, twin):
    other = np.ascontiguousarray(photo[::-1])
    twins = {
        "reference": lambda: structural_similarity(photo, other, channel_axis=2),
        "kernel": lambda: engine.ssim(photo, other),
    }
    got, expected = measure(benchmark, "SSIM (reference: scikit-image)", size, twin, twins)
    assert got == pytest.approx(expected, abs=1e-9)
