"""Planes over colour, from a low resolution to a photo's pixels."""

from __future__ import annotations

import numpy as np

STRETCH = 1.04


def evaluate(planes: np.ndarray, guide: np.ndarray) -> np.ndarray:
    """Alpha, float32 (h, w): a little more than the sigmoid, so that it reaches 0 and 1.

    plane . (r, g, b, 1), colours in 0..1, is the logit; `planes` is float32 (h, w, 4), `guide`
    uint8 (h, w, 3).
    """
    one, half = np.float32(1), np.float32(0.5)
    logit = planes[..., 3]
    for c in range(3):
        logit = logit + planes[..., c] * (guide[..., c].astype(np.float32) / np.float32(255))
    with np.errstate(over="ignore"):
        share = one / (one + np.exp(-logit))
    return np.clip((share - half) * np.float32(STRETCH) + half, np.float32(0), one)


def refine(
    photo: np.ndarray,
    maps: np.ndarray,
    decided: np.ndarray,
    rows: tuple[np.ndarray, np.ndarray],
    columns: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Alpha, float32 (H, W), and the person's colours, uint8 (H, W, 3); see the kernel.

    `rows` and `columns` give, for each pixel, the cell and the share of the next one.
    """
    (y0, low_y), (x0, low_x) = rows, columns
    y1, x1 = np.minimum(y0 + 1, maps.shape[0] - 1), np.minimum(x0 + 1, maps.shape[1] - 1)
    low_y, low_x = low_y[:, None, None], low_x[:, None]
    one = np.float32(1)
    lines = (one - low_y) * maps[y0] + low_y * maps[y1]
    here = (one - low_x) * lines[:, x0] + low_x * lines[:, x1]
    alpha = evaluate(here[..., :4], photo)
    cells = decided[np.ix_(y0, x0)]
    alpha = np.where(cells == 128, alpha, cells / np.float32(255)).astype(np.float32)
    part = alpha[..., None]
    person, behind = here[..., 4:7], here[..., 7:]
    own = person + part * (photo - (part * person + (one - part) * behind))
    own = np.rint(np.clip(own, 0, 255)).astype(np.uint8)
    return alpha, np.where((part > 0) & (part < 1), own, photo)
