"""Lines that follow the edges' flow; same results as engine/reference/lines.py."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import helper, kernel


@kernel("void(float32[:, ::1], float32[:, :, ::1])")
def find_tensor(light: np.ndarray, tensor: np.ndarray) -> None:
    """The structure tensor xx, xy, yy, float32 (h, w, 3), from central differences."""
    h, w = light.shape
    for y in range(h):
        above, below = light[max(y - 1, 0)], light[min(y + 1, h - 1)]
        for x in range(w):
            across = light[y, min(x + 1, w - 1)] - light[y, max(x - 1, 0)]
            down = below[x] - above[x]
            tensor[y, x, 0] = across * across
            tensor[y, x, 1] = across * down
            tensor[y, x, 2] = down * down


@kernel("void(float32[:, :, ::1], float32[:, :, ::1])")
def find_tangent(tensor: np.ndarray, tangent: np.ndarray) -> None:
    """The unit vector along the edge, x and y, float32 (h, w, 2): the minor eigenvector."""
    half, four, tiny = np.float32(0.5), np.float32(4), np.float32(1e-6)
    zero, one = np.float32(0), np.float32(1)
    for y in range(tensor.shape[0]):
        for x in range(tensor.shape[1]):
            e, f, g = tensor[y, x, 0], tensor[y, x, 1], tensor[y, x, 2]
            root = np.sqrt((e - g) * (e - g) + four * f * f)
            across, down = half * (e + g + root) - e, -f
            length = np.sqrt(across * across + down * down)
            if length < tiny:
                across = zero if e >= g else one
                down, length = one - across, one
            tangent[y, x, 0] = across / length
            tangent[y, x, 1] = down / length


@helper
def _walk(
    response: np.ndarray,
    tangent: np.ndarray,
    y: int,
    x: int,
    sign: np.float32,
    weights: np.ndarray,
    stride: np.float32,
) -> tuple[np.float32, np.float32]:
    """Weighted sum of the response along the flow to one side, and the sum of its weights."""
    half, one = np.float32(0.5), np.uint64(1)
    lowest, highest = np.float32(response.shape[0]), np.float32(response.shape[1])
    total, mass = np.float32(0), np.float32(0)
    px, py = np.float32(x) + half, np.float32(y) + half
    dx, dy = sign * tangent[y >> 1, x >> 1, 0], sign * tangent[y >> 1, x >> 1, 1]
    for n in range(1, len(weights)):
        px, py = px + stride * dx, py + stride * dy
        if px < 0 or py < 0 or py >= lowest or px >= highest:
            break
        i, j = np.uint64(np.int32(py)), np.uint64(np.int32(px))
        total += weights[n] * response[i, j]
        mass += weights[n]
        ex, ey = tangent[i >> one, j >> one, 0], tangent[i >> one, j >> one, 1]
        keeps = ex * dx + ey * dy >= 0
        dx, dy = ex if keeps else -ex, ey if keeps else -ey
    return total, mass


@kernel(
    "void(float32[:, ::1], float32[:, :, ::1], float32[::1], float32, float32[:, ::1], float32,"
    " int64, int64, float32[:, ::1])"
)
def average_along(
    response: np.ndarray,
    tangent: np.ndarray,
    weights: np.ndarray,
    stride: np.float32,
    gain: np.ndarray,
    floor: np.float32,
    top: int,
    bottom: int,
    average: np.ndarray,
) -> None:
    """The rows `top` to `bottom` of the response averaged along the flow, where it may become ink.

    Parameters
    ----------
    response : float32 (h, w)
    tangent : float32 (ceil(h / 2), ceil(w / 2), 2)
    weights : float32 (N,)
        Of the pixel itself, and of each step to either side.
    stride
        Pixels in a step.
    gain, floor : float32 (ceil(h / 4), ceil(w / 4)), float32
        Responses below their product stay as they are.
    """
    one = np.float32(1)
    for y in range(top, bottom):
        for x in range(response.shape[1]):
            value = response[y, x]
            if value < floor * gain[y >> 2, x >> 2]:
                average[y, x] = value
                continue
            ahead, ahead_mass = _walk(response, tangent, y, x, one, weights, stride)
            back, back_mass = _walk(response, tangent, y, x, -one, weights, stride)
            total = value * weights[0] + ahead + back
            average[y, x] = total / (weights[0] + ahead_mass + back_mass)


@kernel("void(float32[:, ::1], float32[:, ::1], int64, float32)")
def drop_weak(level: np.ndarray, strong: np.ndarray, least: int, removed: np.float32) -> None:
    """Sets strokes, 8-connected pixels above 0, to `removed` where they are weak or short.

    A stroke is weak when none of its pixels exceeds `strong`, float32 (ceil(h / 4), ceil(w / 4)),
    and short when it has fewer than `least` pixels.
    """
    h, w = level.shape
    state = np.zeros((h, w), np.uint8)
    stack = np.empty(h * w, np.int32)
    for y0 in range(h):
        for x0 in range(w):
            if state[y0, x0] or level[y0, x0] <= 0:
                continue
            state[y0, x0] = 1
            stack[0] = y0 * w + x0
            size, done, is_strong = 1, 0, False
            while done < size:
                y, x = stack[done] // w, stack[done] % w
                done += 1
                is_strong = is_strong or level[y, x] > strong[y >> 2, x >> 2]
                for i in range(max(0, y - 1), min(h, y + 2)):
                    for j in range(max(0, x - 1), min(w, x + 2)):
                        if not state[i, j] and level[i, j] > 0:
                            state[i, j] = 1
                            stack[size] = i * w + j
                            size += 1
            if not is_strong or size < least:
                for n in range(size):
                    level[stack[n] // w, stack[n] % w] = removed
