"""Lines that follow the edges' flow, in NumPy and plain loops."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def find_tensor(light: np.ndarray) -> np.ndarray:
    """The structure tensor xx, xy, yy, float32 (h, w, 3), from central differences."""
    padded = np.pad(light, 1, mode="edge")
    across = padded[1:-1, 2:] - padded[1:-1, :-2]
    down = padded[2:, 1:-1] - padded[:-2, 1:-1]
    return np.stack([across * across, across * down, down * down], axis=-1)


def find_tangent(tensor: np.ndarray) -> np.ndarray:
    """The unit vector along the edge, float32 (h, w, 2)."""
    e, f, g = tensor[..., 0], tensor[..., 1], tensor[..., 2]
    root = np.sqrt((e - g) * (e - g) + np.float32(4) * f * f)
    across, down = np.float32(0.5) * (e + g + root) - e, -f
    length = np.sqrt(across * across + down * down)
    flat = length < np.float32(1e-6)
    upright = np.where(e >= g, np.float32(0), np.float32(1))
    across = np.where(flat, upright, across)
    down = np.where(flat, np.float32(1) - upright, down)
    length = np.where(flat, np.float32(1), length)
    return np.stack([across / length, down / length], axis=-1)


def average_along(
    response: np.ndarray,
    tangent: np.ndarray,
    weights: np.ndarray,
    stride: np.float32,
    gain: np.ndarray,
    floor: np.float32,
) -> np.ndarray:
    """The response averaged along the flow where it may become ink; see the kernel.

    Line integral convolution in the flow of Kang, Lee and Chui (2007).
    """
    average = response.copy()
    for y, x in np.ndindex(response.shape):
        if response[y, x] < floor * gain[y >> 2, x >> 2]:
            continue
        ahead = _walk(response, tangent, (y, x), np.float32(1), weights, stride)
        back = _walk(response, tangent, (y, x), np.float32(-1), weights, stride)
        total = response[y, x] * weights[0] + ahead[0] + back[0]
        average[y, x] = total / (weights[0] + ahead[1] + back[1])
    return average


def _walk(
    response: np.ndarray,
    tangent: np.ndarray,
    start: tuple[int, int],
    sign: np.float32,
    weights: np.ndarray,
    stride: np.float32,
) -> tuple[np.float32, np.float32]:
    total = mass = np.float32(0)
    place = np.array(start[::-1], np.float32) + np.float32(0.5)
    step = sign * tangent[start[0] >> 1, start[1] >> 1]
    for weight in weights[1:]:
        place = place + stride * step
        j, i = np.floor(place).astype(int)
        if not (0 <= i < response.shape[0] and 0 <= j < response.shape[1]):
            break
        total += weight * response[i, j]
        mass += weight
        next_step = tangent[i >> 1, j >> 1]
        turn = next_step[0] * step[0] + next_step[1] * step[1]
        step = next_step if turn >= 0 else -next_step
    return total, mass


def drop_weak(level: np.ndarray, strong: np.ndarray, least: int, removed: np.float32) -> np.ndarray:
    """Level with weak and short strokes set to `removed`; hysteresis after Canny (1986)."""
    level = level.copy()
    y, x = np.indices(level.shape)
    exceeds = level > strong[y >> 2, x >> 2]
    strokes, count = ndimage.label(level > 0, np.ones((3, 3)))
    for index in range(1, count + 1):
        stroke = strokes == index
        if stroke.sum() < least or not exceeds[stroke].any():
            level[stroke] = removed
    return level
