"""What a reader of the method would write: plain torch, NumPy and SciPy, equal results.

The page of the method (docs/method.md) step by step: lists per group, every level compared with
every centroid, an array of distances for the whole picture, logits of all classes at full size.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image
from scipy.stats import normaltest

from engine.reference.decode import decode_segmap
from engine.segment.preprocess import classic_size


def update_centroids(
    centroids: np.ndarray, hist: np.ndarray
) -> tuple[np.ndarray, dict[int, list[int]]]:
    """Moves centroids to their groups' means until the moves add up to nothing."""
    while True:
        groups: dict[int, list[int]] = defaultdict(list)
        for level in range(len(hist)):
            if hist[level] > 0:
                groups[int(np.argmin(np.abs(centroids - level)))].append(level)
        moved = np.array(centroids)
        for index, levels in groups.items():
            weights = hist[levels]
            moved[index] = int(np.sum(np.array(levels) * weights) / np.sum(weights))
        if np.sum(moved - centroids) == 0:
            return centroids, groups
        centroids = moved


def k_histogram(hist: np.ndarray) -> np.ndarray:
    """Centroids of one channel's histogram."""
    centroids = np.array([128.0])
    while True:
        centroids, groups = update_centroids(centroids, hist)
        refined = set()
        for index, levels in groups.items():
            left = 0 if index == 0 else centroids[index - 1]
            right = len(hist) - 1 if index == len(centroids) - 1 else centroids[index + 1]
            splits = len(levels) >= 80 and right - left >= 3 and _p_value(hist[levels]) < 0.001
            middle = centroids[index]
            refined |= {(middle + left) / 2, (middle + right) / 2} if splits else {middle}
        if len(refined) == len(centroids):
            return centroids
        centroids = np.array(sorted(refined))


def _p_value(counts: np.ndarray) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(normaltest(counts).pvalue)


def quantise(hsv: np.ndarray, palette: list[np.ndarray]) -> np.ndarray:
    """Each value replaced by its nearest centroid: an (H * W, K) array of distances per channel."""
    flat = hsv.reshape(-1, 3)
    for channel, centroids in enumerate(palette):
        distances = np.abs(flat[:, channel, np.newaxis] - centroids)
        flat[:, channel] = centroids[np.argmin(distances, axis=1)]
    return flat.reshape(hsv.shape)


def quantise_by_table(hsv: np.ndarray, palette: list[np.ndarray]) -> np.ndarray:
    """The same by a table of 256 entries per channel: the obvious improvement."""
    levels = np.arange(256.0)[:, np.newaxis]
    for channel, centroids in enumerate(palette):
        table = centroids[np.argmin(np.abs(levels - centroids), axis=1)].astype(np.uint8)
        hsv[..., channel] = table[hsv[..., channel]]
    return hsv


def smooth(image: np.ndarray) -> np.ndarray:
    """Each channel smoothed by a bilateral filter of its own."""
    smoothed = np.array(image)
    for channel in range(3):
        smoothed[:, :, channel] = cv2.bilateralFilter(smoothed[:, :, channel], 5, 50, 50)
    return smoothed


def recolour(smoothed: np.ndarray, quantise: Callable[..., np.ndarray]) -> np.ndarray:
    """HSV, histograms, palette, quantisation, and back."""
    hsv = cv2.cvtColor(smoothed, cv2.COLOR_RGB2HSV)
    palette = [
        k_histogram(np.histogram(hsv[:, :, channel], bins=np.arange(levels + 1))[0])
        for channel, levels in enumerate((180, 256, 256))
    ]
    return cv2.cvtColor(quantise(hsv, palette), cv2.COLOR_HSV2RGB)


def cartoonize(image: np.ndarray, quantise: Callable[..., np.ndarray] = quantise) -> np.ndarray:
    """The cartoon of a picture, uint8 (H, W, 3)."""
    smoothed = smooth(image)
    edges = cv2.Canny(smoothed, 100, 200)
    cartoon = recolour(smoothed, quantise)
    contours, _ = cv2.findContours(edges, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(cartoon, contours, -1, 0, thickness=1)
    return cartoon


def segment(network: Any, photo: np.ndarray, mean: Any, std: Any, fast: bool = False) -> np.ndarray:
    """Label map at the network's input size; `fast`: the input as channels-last."""
    size = classic_size(*photo.shape[:2])
    small = Image.fromarray(photo).resize(size[::-1], Image.Resampling.BILINEAR)
    tensor = torch.from_numpy(np.array(small)).permute(2, 0, 1)[None].float() / 255
    tensor = (tensor - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    order = torch.channels_last if fast else torch.contiguous_format
    tensor = tensor.contiguous(memory_format=order)
    with torch.no_grad():
        labels: np.ndarray = network(tensor)["out"].squeeze().argmax(0).numpy()
    return labels


def pipeline(
    network: Any, photo: np.ndarray, mean: Any, std: Any, fast: bool = False
) -> np.ndarray:
    """Photo to cartoon of its cut-out; `fast`: with tables and channels-last."""
    labels = segment(network, photo, mean, std, fast)
    cutout = np.rint(255 * decode_segmap(labels, photo)).astype(np.uint8)[..., ::-1]
    cutout = np.ascontiguousarray(cutout)
    return cartoonize(cutout, quantise_by_table if fast else quantise)[..., ::-1]
