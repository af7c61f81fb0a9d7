"""A portrait made of a few shapes, the same at any size."""

import cv2
import numpy as np

SKIN, HAIR, SHIRT, LIPS, EYES = (
    (222, 170, 140), (70, 45, 30), (40, 70, 150), (190, 60, 70), (30, 30, 40),
)  # fmt: skip
ELLIPSES = (  # centre and half axes, in sizes of the picture
    (SHIRT, (0.5, 1.0), (0.36, 0.32)),
    (HAIR, (0.5, 0.36), (0.24, 0.28)),
    (SKIN, (0.5, 0.42), (0.19, 0.25)),
    (EYES, (0.42, 0.38), (0.03, 0.02)),
    (EYES, (0.58, 0.38), (0.03, 0.02)),
    (LIPS, (0.5, 0.55), (0.07, 0.02)),
)


def portrait(size):
    """A noisy person on white, uint8 (size, size, 3), and alpha, float32 (size, size)."""
    photo, alpha = np.full((size, size, 3), 255, np.uint8), np.zeros((size, size), np.uint8)
    for colour, centre, axes in ELLIPSES:
        places = [[round(16 * size * part) for part in place] for place in (centre, axes)]
        for picture, paint in ((photo, colour), (alpha, (255,))):
            cv2.ellipse(picture, *places, 0, 0, 360, paint, -1, cv2.LINE_AA, shift=4)
    shade = np.linspace(1.1, 0.7, size)[None, :, None]
    noise = np.random.default_rng(0).normal(0, 2, photo.shape)
    share = alpha[..., None] / 255  # shaded and noisy where the person is
    photo = photo * (1 + share * (shade - 1)) + share * noise
    return np.clip(np.rint(photo), 0, 255).astype(np.uint8), alpha / np.float32(255)
