"""The guided filter: planes fitted to windows, and the photo's edge by them."""

from __future__ import annotations

import numpy as np


def fit_planes(
    guide: np.ndarray, confidence: np.ndarray, radius: int, epsilon: float
) -> np.ndarray:
    """For each pixel the plane, float32 (h, w, 4), of the window around it, cut at the borders.

    The a and b of equations 19 and 20 in He, Sun and Tang, "Guided Image Filtering" (2013), for
    a guide, uint8 (h, w, 3), and a confidence, uint8 (h, w), both taken as 0..1.
    """
    h, w = confidence.shape
    colours, wanted = guide.astype(np.int64), confidence.astype(np.int64)
    planes = np.empty((h, w, 4), np.float32)
    for y in range(h):
        rows = slice(max(0, y - radius), y + radius + 1)
        for x in range(w):
            columns = slice(max(0, x - radius), x + radius + 1)
            window, values = colours[rows, columns].reshape(-1, 3), wanted[rows, columns].ravel()
            planes[y, x] = _fit(window, values, epsilon)
    return planes


def _fit(window: np.ndarray, values: np.ndarray, epsilon: float) -> np.ndarray:
    """Cramer's rule, in float64 on sums of whole numbers."""
    n, colours, total = len(values), window.sum(axis=0), values.sum()
    scale = float(n) * float(n) * 65025.0
    (rr, rg, rb), (_, gg, gb), (_, _, bb) = (
        n * (window.T @ window) - np.outer(colours, colours)
    ) / scale + epsilon * np.eye(3)
    cr, cg, cb = (n * (window.T @ values) - colours * total) / scale
    irr, irg, irb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    igg, igb, ibb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    determinant = rr * irr + rg * irg + rb * irb
    a = (
        (irr * cr + irg * cg + irb * cb) / determinant,
        (irg * cr + igg * cg + igb * cb) / determinant,
        (irb * cr + igb * cg + ibb * cb) / determinant,
    )
    mr, mg, mb = colours / float(n)
    b = (total / float(n) - (a[0] * mr + a[1] * mg + a[2] * mb)) / 255.0
    return np.array([*a, b], np.float32)


def refine(
    photo: np.ndarray,
    maps: np.ndarray,
    decided: np.ndarray,
    rows: tuple[np.ndarray, np.ndarray],
    columns: tuple[np.ndarray, np.ndarray],
    contrast: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Alpha, float32 (H, W), and the person's colours, uint8 (H, W, 3); see the kernel.

    `rows` and `columns` give, for each pixel, the cell and the share of the next one.
    """
    one, zero, top = np.float32(1), np.float32(0), np.float32(255)
    (y0, low_y), (x0, low_x) = rows, columns
    y1, x1 = np.minimum(y0 + 1, maps.shape[0] - 1), np.minimum(x0 + 1, maps.shape[1] - 1)
    low_y, low_x = low_y[:, None, None], low_x[:, None]
    lines = (one - low_y) * maps[y0] + low_y * maps[y1]
    here = (one - low_x) * lines[:, x0] + low_x * lines[:, x1]
    colours = photo.astype(np.float32)
    fit = here[..., 3]
    for c in range(3):
        fit = fit + here[..., c] * (colours[..., c] / top)
    alpha = (fit - np.float32(0.5)) * np.float32(contrast) + np.float32(0.5)
    alpha = np.minimum(np.maximum(alpha, zero), one)
    cell = decided[y0][:, x0]
    alpha = np.where(cell == 128, alpha, np.where(cell == 255, one, zero))
    part = alpha[..., None]
    person, behind = here[..., 4:7], here[..., 7:10]
    colour = person + part * (colours - (part * person + (one - part) * behind))
    colour = np.rint(np.minimum(np.maximum(colour, zero), top)).astype(np.uint8)
    edge = (part > 0) & (part < 1) & (cell == 128)[..., None]
    return alpha, np.where(edge, colour, photo)
