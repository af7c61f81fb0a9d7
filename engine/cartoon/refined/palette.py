"""The colours of a drawing: how many, by the K-histogram; which, by splitting and joining.

Histograms of the person's lightness, chroma and hue, each by K-histogram, give levels. The
combinations in use become joint colours, bounded from both sides: too wide ones are split, too
near, rare or many ones are joined.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.cartoon.colours import Palette, to_rgb
from engine.cartoon.k_histogram import k_histogram
from engine.cartoon.refined.styles import METRIC, Style
from engine.kernels import tones as kernels
from engine.options import CartoonOptions
from engine.strips import in_strips

CHANNELS = ("lightness", "chroma", "hue")
HUE_LEVELS = 180
PARTS = 1_000_000
"""What a histogram sums to: K-histogram's test depends on the counts, not on the photo's size."""
RARE = 20
"""Parts of the million below which a level is empty."""
GAP = 9
"""Half degrees: the circle of hues is cut in the middle of its emptiest stretch of this width."""
GREY = 7.0
"""Chroma below which a colour has no hue."""
PALE = 4.0
"""Chroma of a level that is always there: between grey and what K-histogram finds."""
WIDEST_LEVEL = 5.1
"""Standard deviation of L* within a level of lightness: K-histogram's are split down to it."""
WIDEST_COLOUR = 8.0
"""Standard deviation of a joint colour, which is split down to it."""
MOST_SPLIT = 120
"""Colours before they are joined."""
SKIN_WEIGHT = 3.0
"""Skin counts so often, because people look at faces first."""
VIVID = 1.12
"""Chroma of the paint per chroma of the photo."""
CONTRAST = 0.10
"""Amplitude of the paint's S-curve of lightness."""
READABLE = 62.0
"""L* that the lightest twentieth of a dark photo is raised to, as far as `MOST_GAIN` goes."""
MOST_GAIN = 1.7
TONE_CURVE = 0.55
"""Exponent that lays the middle tones of ink nearer to paper."""

Colours = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Found:
    """Colours, and what they were found from."""

    lab: Colours
    """(N, 3) CIE Lab, ascending in lightness."""
    share: NDArray[np.float64]
    """(N,), about how much of the person each one stands for; sums to 1."""
    centroids: dict[str, NDArray[np.float64]]
    histograms: dict[str, NDArray[np.int64]]


def find_colours(
    lab: NDArray[np.float32],
    alpha: NDArray[np.float32],
    style: Style,
    options: CartoonOptions,
    threads: int,
) -> Found:
    """The colours of a smoothed picture, float32 (h, w, 3), where alpha is at least a half.

    Where that is nowhere, it is the one of the pixel with the highest alpha.
    """
    hists, cells = _count(lab, alpha, threads)
    if not cells[:, 0].any():
        densest = np.unravel_index(alpha.argmax(), alpha.shape)
        return Found(lab[densest][None].astype(np.float64), np.ones(1), {}, {})
    histograms = dict(zip(CHANNELS, map(_to_parts, hists), strict=True))
    histograms["hue"] = histograms["hue"][:HUE_LEVELS]
    centroids, cut = _find_centroids(histograms, options)
    cells = cells[cells[:, 0] > 0]
    colours = cells[:, 1:] / (cells[:, :1] * kernels.SPLIT)
    share = cells[:, 0] / cells[:, 0].sum()
    combinations = _combine(colours, histograms["lightness"], centroids, cut, style)
    mass = share * np.where(_is_skin(colours), SKIN_WEIGHT, 1.0)
    joint = _Joint(colours * METRIC, mass / mass.sum())
    start = joint.means(combinations)[0]
    found = joint.improve(joint.join(joint.split(start, style.least_share), style, options.colours))
    found = found[np.argsort(found[:, 0], kind="stable")]
    shares = _sums(joint.nearest(found), share, len(found))
    return Found(found / METRIC, shares, centroids, histograms)


def paint(found: Found, style: Style, vivid: float) -> Palette:
    """The palette as painted: with more contrast and chroma, and dark photos made readable."""
    lab = found.lab.astype(np.float32)
    if not style.has_colour:
        steps = np.arange(len(lab)) / max(1, len(lab) - 1)
        grey = 100 * (steps if len(lab) > 1 else lab[:, 0] / 100) ** TONE_CURVE
        painted = np.stack([grey, np.zeros(len(lab)), np.zeros(len(lab))], axis=1)
    else:
        gain = _find_gain(lab[:, 0], found.share)
        lightness = np.clip(lab[:, 0] * gain / 100, 0, 1)
        curve = lightness + CONTRAST * np.sin(2 * np.pi * (lightness - 0.5)) / np.pi
        chroma = VIVID * vivid * np.sqrt(gain) * lab[:, 1:]
        painted = np.column_stack([100 * np.clip(curve, 0, 1), chroma])
    return Palette(to_rgb(painted.astype(np.float32)), lab, found.share.astype(np.float32))


def _find_gain(lightness: NDArray[np.float32], share: NDArray[np.float64]) -> float:
    """How much lighter a dark photo is painted."""
    order = np.argsort(lightness)
    above = 1 - np.cumsum(share[order])
    bright = float(np.interp(0.05, above[::-1], lightness[order][::-1]))
    return float(np.clip(READABLE / max(bright, 1.0), 1.0, MOST_GAIN))


def _count(
    lab: NDArray[np.float32], alpha: NDArray[np.float32], threads: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    height, width = alpha.shape

    def count(top: int, bottom: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        hists, cells = np.zeros((3, 256), np.int64), np.zeros((np.prod(kernels.CELLS), 4), np.int64)
        kernels.count(lab, alpha, top, bottom, hists, cells)
        return hists, cells

    (hists, cells), *others = in_strips(count, height, width, threads)
    for more_hists, more_cells in others:
        hists += more_hists
        cells += more_cells
    return hists, cells


def _to_parts(hist: NDArray[np.int64]) -> NDArray[np.int64]:
    parts = np.asarray(np.rint(hist * (PARTS / max(1, hist.sum()))), np.int64)
    parts[parts < RARE] = 0
    return parts


def _find_centroids(
    histograms: dict[str, NDArray[np.int64]], options: CartoonOptions
) -> tuple[dict[str, NDArray[np.float64]], int]:
    """K-histogram's of each channel, and the level at which the circle of hues is cut."""
    centroids = {name: k_histogram(histograms[name], options) for name in ("lightness", "chroma")}
    hue = histograms["hue"]
    if not hue.any():
        return centroids | {"hue": np.empty(0)}, 0
    stretches = np.convolve(np.concatenate([hue, hue[: GAP - 1]]), np.ones(GAP), "valid")
    cut = (int(stretches.argmin()) + GAP // 2) % HUE_LEVELS
    turned = k_histogram(np.roll(hue, -cut), options)
    return centroids | {"hue": np.sort((turned + cut) % HUE_LEVELS)}, cut


def _combine(
    colours: Colours,
    lightness: NDArray[np.int64],
    centroids: dict[str, NDArray[np.float64]],
    cut: int,
    style: Style,
) -> NDArray[np.int64]:
    """Which combination of levels each colour has, int64 (P,), numbered from 0."""
    levels = _split_levels(centroids["lightness"] / 2.55, lightness)
    key = _nearest(colours[:, 0], levels)
    if style.has_colour and len(centroids["hue"]):
        chroma = np.hypot(colours[:, 1], colours[:, 2])
        hue = (np.degrees(np.arctan2(colours[:, 2], colours[:, 1])) / 2 - cut) % HUE_LEVELS
        hues = _nearest(hue, (centroids["hue"] - cut) % HUE_LEVELS)
        chromas = _nearest(chroma, np.append(centroids["chroma"] / 2, PALE))
        key = (key * 256 + np.where(chroma < GREY, 255, hues)) * 256
        key += np.where(chroma < GREY, 255, chromas)
    return np.asarray(np.unique(key, return_inverse=True)[1].reshape(-1), np.int64)


def _split_levels(centroids: NDArray[np.float64], hist: NDArray[np.int64]) -> NDArray[np.float64]:
    """K-histogram's levels of lightness, split while one is wider than it may be."""
    levels = np.arange(len(hist)) / 2.55
    for _ in range(8):
        for _ in range(3):  # Lloyd's iterations
            group = _nearest(levels, centroids)
            mass = _sums(group, hist, len(centroids))
            mean = _sums(group, hist * levels, len(centroids)) / np.maximum(mass, 1)
            centroids = mean[mass > 0]
        group = _nearest(levels, centroids)
        mass = np.maximum(_sums(group, hist, len(centroids)), 1)
        squares = _sums(group, hist * (levels - centroids[group]) ** 2, len(centroids))
        deviation = np.sqrt(squares / mass)
        wide = deviation > WIDEST_LEVEL
        if not wide.any():
            break
        halves = centroids[wide] - deviation[wide], centroids[wide] + deviation[wide]
        centroids = np.sort(np.concatenate([centroids[~wide], *halves]))
    return centroids


def _nearest(values: NDArray[np.float64], centroids: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.asarray(np.abs(values[:, None] - centroids[None]).argmin(axis=1), np.int64)


def _sums(group: NDArray[np.int64], values: NDArray[Any], groups: int = 0) -> NDArray[np.float64]:
    """The sum of the values in each group."""
    return np.asarray(np.bincount(group, values, groups), np.float64)


def _is_skin(lab: Colours) -> NDArray[np.bool_]:
    """Roughly: from rose to sand, neither grey nor gaudy, not too dark."""
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    hue = np.degrees(np.arctan2(lab[:, 2], lab[:, 1]))
    return (hue > 18) & (hue < 85) & (chroma > 9) & (chroma < 50) & (lab[:, 0] > 20)


@dataclass(frozen=True, eq=False)
class _Joint:
    """Weighted points in `METRIC`'s scale, to be stood for by few."""

    points: Colours
    mass: NDArray[np.float64]

    def means(self, group: NDArray[np.int64]) -> tuple[Colours, NDArray[np.float64]]:
        """The mean of each group that has mass, and its mass."""
        mass = _sums(group, self.mass)
        sums = [_sums(group, self.mass * self.points[:, c]) for c in range(3)]
        used = mass > 0
        return np.stack(sums, axis=1)[used] / mass[used, None], mass[used]

    def nearest(self, means: Colours) -> NDArray[np.int64]:
        group = np.empty(len(self.points), np.int64)
        kernels.find_nearest(self.points, means, group)
        return group

    def split(self, means: Colours, least_mass: float) -> Colours:
        """Halves what stands for colours too far apart, along its widest axis."""
        for _ in range(4):
            group = self.nearest(means)
            group = np.unique(group, return_inverse=True)[1].reshape(-1)
            means, mass = self.means(group)
            squares = self.mass[:, None] * (self.points - means[group]) ** 2
            variance = np.stack([_sums(group, squares[:, c]) for c in range(3)], axis=1)
            variance /= mass[:, None]
            wide = (variance.sum(axis=1) > WIDEST_COLOUR**2) & (mass > least_mass)
            if not wide.any() or len(means) + wide.sum() > MOST_SPLIT:
                break
            axis = variance[wide].argmax(axis=1)
            step = np.eye(3)[axis] * np.sqrt(variance[wide].max(axis=1))[:, None]
            means = np.concatenate([means[~wide], means[wide] - step, means[wide] + step])
        return means

    def join(self, means: Colours, style: Style, most: int | None) -> Colours:
        """Joins what is too near, rare or many."""
        means, mass = self.means(self.nearest(means))
        limit = most or style.most_colours
        means = np.ascontiguousarray(means)
        count = kernels.merge(means, mass, limit, style.least_distance**2, style.least_share)
        return means[:count]

    def improve(self, means: Colours) -> Colours:
        """Two of Lloyd's iterations, so that each colour is the mean of what it paints."""
        for _ in range(2):
            means = self.means(self.nearest(means))[0]
        return means
