"""A picture laid by its alpha matte on another."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import kernel


@kernel("void(uint8[:, :, ::1], float32[:, ::1], uint8[:, :, ::1], uint8[:, :, ::1])")
def blend(photo: np.ndarray, alpha: np.ndarray, background: np.ndarray, out: np.ndarray) -> None:
    """Lays `photo`, uint8 (H, W, 3), by `alpha`, float32 (H, W) in 0..1, on `background`.

    `background` is uint8 (H, W, 3), or (1, 1, 3) for one colour; the result goes to `out`.
    """
    height, width = alpha.shape
    for y in range(height):
        behind = background[min(y, background.shape[0] - 1)]
        step = 1 if background.shape[1] > 1 else 0
        for x in range(width):
            share = alpha[y, x]
            if share == 1:  # as most pixels are; the formula would say the same
                for c in range(3):
                    out[y, x, c] = photo[y, x, c]
            elif share == 0:
                for c in range(3):
                    out[y, x, c] = behind[x * step, c]
            else:
                for c in range(3):
                    below = np.float32(behind[x * step, c])
                    mixed = below + share * (np.float32(photo[y, x, c]) - below)
                    out[y, x, c] = np.uint8(np.rint(mixed))
