"""Colours counted, merged and assigned, in NumPy."""

from __future__ import annotations

import numpy as np

HALF, ONE = np.float32(0.5), np.float32(1)


def find_hue(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Angles of (a, b) in half degrees, 0..180, by a polynomial for the arc tangent."""
    wide, high = np.abs(a), np.abs(b)
    big, small = np.maximum(wide, high), np.minimum(wide, high)
    t = small / np.maximum(big, np.float32(1e-9))
    s = t * t
    r = np.float32(-0.0464964749) * s + np.float32(0.15931422)
    r = (r * s - np.float32(0.327622764)) * s * t + t
    r = np.where(high > wide, np.float32(1.57079633) - r, r)
    r = np.where(a < 0, np.float32(3.14159265) - r, r)
    r = np.where(b < 0, np.float32(6.28318531) - r, r)
    return r * np.float32(28.6478898)


def count(lab: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Histograms of lightness, chroma and hue, (3, 256), and the cells' sums, (65536, 4)."""
    lab, alpha = lab[alpha >= HALF], alpha[alpha >= HALF]
    weight = (alpha * np.float32(255) + HALF).astype(np.int64)
    lightness, a, b = lab.T
    level = np.clip((lightness * np.float32(2.55)).astype(np.int64), 0, 255)
    j, k = (np.clip((v + np.float32(128)).astype(np.int64) >> 3, 0, 31) for v in (a, b))
    hists, cells = np.zeros((3, 256), np.int64), np.zeros((64 * 32 * 32, 4), np.int64)
    cell = ((level >> 2) * 32 + j) * 32 + k
    np.add.at(cells[:, 0], cell, weight)
    for c in range(3):
        value = np.floor(lab[:, c] * np.float32(64) + HALF).astype(np.int64)
        np.add.at(cells[:, c + 1], cell, weight * value)
    np.add.at(hists[0], level, weight)
    chroma = np.sqrt(a * a + b * b)
    np.add.at(hists[1], np.minimum((chroma * np.float32(2)).astype(np.int64), 255), weight)
    coloured = chroma > np.float32(4)
    hue = np.minimum(find_hue(a, b).astype(np.int64), 179)[coloured]
    strength = ((chroma - np.float32(4)) * np.float32(16)).astype(np.int64)
    np.add.at(hists[2], hue, (weight * strength)[coloured])
    return hists, cells


def find_nearest(points: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Index of the colour nearest to each point, int64 (P,)."""
    d, e, f = (points[:, None] - colours[None]).transpose(2, 0, 1)
    return (d * d + e * e + f * f).argmin(axis=1)


def merge(
    colours: np.ndarray, mass: np.ndarray, most: int, least_distance2: float, least_mass: float
) -> tuple[np.ndarray, np.ndarray]:
    """The colours, float64 (M, 3), and masses that remain; see the kernel."""
    colours, mass = colours.copy(), mass.copy()
    while len(mass) > 1:
        d, e, f = (colours[:, None] - colours[None]).transpose(2, 0, 1)
        distance2 = d * d + e * e + f * f
        below = np.tril(np.ones(distance2.shape, bool), -1)
        cost = distance2 * mass[:, None] * mass[None] / (mass[:, None] + mass[None])
        costs = np.where(below, cost if len(mass) > most else distance2, np.inf)
        q, p = np.unravel_index(costs.argmin(), costs.shape)
        if len(mass) <= most and distance2[q, p] >= least_distance2:
            rare = mass.argmin()
            if mass[rare] >= least_mass:
                break
            others = np.where(np.arange(len(mass)) == rare, np.inf, distance2[rare])
            p, q = sorted((rare, others.argmin()))
        both = mass[p] + mass[q]
        colours[p] = (mass[p] * colours[p] + mass[q] * colours[q]) / both
        mass[p] = both
        colours[q], mass[q] = colours[-1], mass[-1]
        colours, mass = colours[:-1], mass[:-1]
    return colours, mass


def _find_pairs(lab: np.ndarray, colours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the two colours nearest to the middle of each pixel's cell, 4 levels wide."""
    i = np.clip((lab[..., 0] * np.float32(0.64)).astype(np.int64), 0, 63)
    j, k = (
        np.clip(((lab[..., c] + np.float32(128)) * np.float32(0.25)).astype(np.int64), 0, 63)
        for c in (1, 2)
    )
    l0 = (i.astype(np.float32) + HALF) * np.float32(1 / 0.64)
    a0 = (j.astype(np.float32) * np.float32(4) - np.float32(126)) * np.float32(1.5)
    b0 = (k.astype(np.float32) * np.float32(4) - np.float32(126)) * np.float32(1.5)
    d, e, f = (v[..., None] - colours[:, c] for c, v in enumerate((l0, a0, b0)))
    order = np.argsort(d * d + e * e + f * f, axis=-1, kind="stable")
    return order[..., 0], order[..., min(1, len(colours) - 1)]


def assign(
    lab: np.ndarray,
    alpha: np.ndarray,
    colours: np.ndarray,
    painted: np.ndarray,
    softness: float,
    gentle: float,
    steep: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, soft tones, and how far these hold; see the kernel."""
    first, second = _find_pairs(lab, colours)
    here = lab * np.array([1, 1.5, 1.5], np.float32)

    def distance2(d: np.ndarray) -> np.ndarray:
        return d[..., 0] * d[..., 0] + d[..., 1] * d[..., 1] + d[..., 2] * d[..., 2]

    near, far = distance2(here - colours[first]), distance2(here - colours[second])
    swapped = far < near
    first, second = np.where(swapped, second, first), np.where(swapped, first, second)
    near, far = np.minimum(near, far), np.maximum(near, far)
    way = np.float32(2) * np.float32(softness) * distance2(colours[first] - colours[second])
    per_way = np.where(
        way > np.float32(1e-9), ONE / np.maximum(way, np.float32(1e-9)), np.float32(1e9)
    )
    share = HALF + (far - near) * per_way.astype(np.float32)
    share = np.minimum(share, ONE)[..., None]
    own, other = painted[first].astype(np.float32), painted[second].astype(np.float32)
    tones = (other + share * (own - other) + HALF).astype(np.uint8)
    highest, full = np.float32(steep), np.float32(255)
    held = (highest - np.sqrt(_find_change(lab))) * (full / (highest - np.float32(gentle)))
    soft = np.clip(held, np.float32(0), full).astype(np.uint8)
    outside = alpha <= 0
    first[outside], soft[outside], tones[outside] = 0, 0, painted[0]
    return first.astype(np.uint8), tones, soft


def _find_change(lab: np.ndarray) -> np.ndarray:
    """Square of the change from pixel to pixel, a and b times 1.5, by central differences."""
    padded = np.pad(lab, ((1, 1), (1, 1), (0, 0)), mode="edge")
    across = (padded[1:-1, 2:] - padded[1:-1, :-2]) * HALF
    down = (padded[2:, 1:-1] - padded[:-2, 1:-1]) * HALF
    squares = across * across + down * down
    weight = np.float32(2.25)
    return squares[..., 0] + weight * squares[..., 1] + weight * squares[..., 2]


def find_highest(fields: np.ndarray) -> np.ndarray:
    """Index of the highest field at each pixel, uint8 (h, w)."""
    return fields.argmax(axis=0).astype(np.uint8)
