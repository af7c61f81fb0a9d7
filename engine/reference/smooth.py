"""The recursive domain transform, in NumPy."""

from __future__ import annotations

import numpy as np


def unmix_white(colours: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Colours, uint8 (h, w, 3), without the white that was mixed in; alpha cut off at 0 and 1."""
    one, white = np.float32(1), np.float32(255)
    alpha = np.clip(alpha, np.float32(0), one)
    part = np.where(alpha > 0, alpha, one)[..., None]
    own = (colours.astype(np.float32) - white * (one - part)) / part
    own = (np.clip(own, 0, white) + np.float32(0.5)).astype(np.uint8)
    mixed = (alpha > np.float32(0.15)) & (alpha < np.float32(0.995))
    return np.where(mixed[..., None], own, colours), alpha


def weigh(lab: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Planes, float32 (h, 5, w): CIE Lab times the weight, and the weights; see the kernel."""
    weight = np.float32(1e-4) + alpha * alpha
    levels = lab.astype(np.float32)
    lightness = levels[..., 0] * np.float32(100 / 255)
    a, b = levels[..., 1] - np.float32(128), levels[..., 2] - np.float32(128)
    return np.stack([weight * lightness, weight, weight * a, weight * b, weight], axis=1)


def divide(planes: np.ndarray) -> np.ndarray:
    """The weighted means, float32 (h, w, 3)."""
    per_weight = np.float32(1) / planes[:, 4]
    colour = planes[:, 2] * per_weight, planes[:, 3] * per_weight
    return np.stack([planes[:, 0] / planes[:, 1], *colour], axis=-1)


def filter_columns(planes: np.ndarray, steps: np.ndarray, feedback: np.ndarray) -> np.ndarray:
    """Each column of `planes`, float32 (h, 5, w), filtered forth and back.

    Equation 21 in Gastal and Oliveira, "Domain Transform for Edge-Aware Image and Video
    Processing" (2011); `steps`, uint8 (h, w), is the guide's change from the pixel before, and
    `feedback`, float32 (2, 256), their a^d at each step, for lightness and for colour.
    """
    planes = planes.copy()
    decay = feedback[:, steps][[0, 0, 1, 1, 1]].transpose(1, 0, 2)
    for y in range(1, len(planes)):
        planes[y] += decay[y] * (planes[y - 1] - planes[y])
    for y in range(len(planes) - 2, -1, -1):
        planes[y] += decay[y + 1] * (planes[y + 1] - planes[y])
    return planes


def filter_rows(planes: np.ndarray, steps: np.ndarray, feedback: np.ndarray) -> np.ndarray:
    """Each row filtered likewise; `steps` is (w, h)."""
    turned = np.ascontiguousarray(planes.transpose(2, 1, 0))
    return filter_columns(turned, steps, feedback).transpose(2, 1, 0)
