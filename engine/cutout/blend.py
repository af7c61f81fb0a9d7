"""A picture laid by its alpha matte on another."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.kernels import blend as kernels
from engine.strips import in_strips

WHITE = np.full((1, 1, 3), 255, np.uint8)


def blend(
    picture: NDArray[np.uint8],
    alpha: NDArray[np.float32],
    background: NDArray[np.uint8],
    threads: int = 1,
) -> NDArray[np.uint8]:
    """`picture`, uint8 (H, W, 3), by `alpha`, float32 (H, W), on a (H, W, 3) or (1, 1, 3) one."""
    out = np.empty_like(picture)

    def blend_strip(top: int, bottom: int) -> None:
        rows = slice(top, bottom)
        behind = background if len(background) == 1 else background[rows]
        kernels.blend(picture[rows], alpha[rows], behind, out[rows])

    height, width = alpha.shape
    in_strips(blend_strip, height, width, threads)
    return out


def add_alpha(picture: NDArray[np.uint8], alpha: NDArray[np.float32]) -> NDArray[np.uint8]:
    """RGBA, uint8 (H, W, 4); what is fully transparent is black, so that no scene is left in it."""
    share = np.rint(alpha * np.float32(255)).astype(np.uint8)
    visible = cv2.bitwise_and(picture, picture, mask=share)
    return np.asarray(cv2.merge([visible, share]))
