"""People laid on other scenes, and cloth hung behind people, with their mattes."""

from __future__ import annotations

import cv2
import numpy as np

from export.photos import PERSON, VOID
from export.training.backdrops import hang_backdrop

LARGEST_ENLARGEMENT = 3.0

View = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Photo, uint8 (H, W, 3) RGB; classes, uint8 (H, W), 254 or 255 beside 0 to 20; alpha, uint8."""


def paste_person(view: View, donor: View, rng: np.random.Generator) -> View:
    """The view with the person of another one laid on it, in a light that is nearer to its own."""
    photo, mask, alpha = (each.copy() for each in view)
    rows, columns = np.nonzero(donor[2] > 25)
    if len(rows) == 0:
        return view
    box = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
    height, width = mask.shape
    tall = height * rng.uniform(0.2, 0.95)
    scale = tall / (box[0].stop - box[0].start)
    if scale > LARGEST_ENLARGEMENT:
        return view
    size = (max(4, round((box[1].stop - box[1].start) * scale)), max(4, round(tall)))
    share = donor[2][box].astype(np.float32) / 255
    person = cv2.resize(own_colours(donor[0][box], share), size, interpolation=cv2.INTER_AREA)
    share = cv2.resize(share, size, interpolation=cv2.INTER_AREA)
    person = _lit(person, share, photo, rng)
    # Cut off below in its own photo: stands on the lower border here.
    cut_below = box[0].stop >= len(donor[1]) - 2
    top = height - size[1] if cut_below else rng.integers(0, max(1, height - size[1] + 1))
    left = rng.integers(-size[0] // 3, max(1, width - size[0] * 2 // 3))
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(height, top + size[1]), min(width, left + size[0])
    part = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    place = (slice(y0, y1), slice(x0, x1))
    share = share[part]
    photo[place] = _over(person[part], photo[place], share[..., None])
    alpha[place] = _over(np.float32(255), alpha[place], share)
    mask[place][share > 0.5] = PERSON
    return photo, mask, alpha


def _over(front: np.ndarray, back: np.ndarray, share: np.ndarray) -> np.ndarray:
    return np.clip(share * front + (1 - share) * back, 0, 255).round().astype(np.uint8)


def own_colours(photo: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The person's colours without the background's at the rim, float32 (H, W, 3).

    After Forte, "Approximate Fast Foreground Colour Estimation" (ICIP 2021).
    """
    share, photo, around = share[..., None], photo.astype(np.float32), (15, 15)

    def mean(weight: np.ndarray) -> np.ndarray:
        return cv2.blur(photo * weight, around) / (cv2.blur(weight, around)[..., None] + 1e-3)

    front, back = mean(share), mean(1 - share)
    return np.clip(front + share * (photo - share * front - (1 - share) * back), 0, 255)


def _lit(
    person: np.ndarray, share: np.ndarray, scene: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    own = np.average(person.reshape(-1, 3), axis=0, weights=share.ravel() + 1e-3)
    gain = np.clip((scene.mean(axis=(0, 1)) + 20) / (own + 20), 0.6, 1.6)
    return person * (gain ** rng.uniform(0, 0.6) * rng.uniform(0.8, 1.2)).astype(np.float32)


def hang_behind(view: View, rng: np.random.Generator) -> View:
    """The view with cloth hung behind its people, where what is there is known."""
    photo, mask, alpha = view
    cloth, where = hang_backdrop(photo, alpha, mask != VOID, rng)
    share = alpha.astype(np.float32)[..., None] / 255
    front = own_colours(photo, share[..., 0])
    hung = _over(front, cloth, share)
    photo = _over(hung.astype(np.float32), photo, where[..., None])
    return photo, np.where((where > 0.5) & (mask != PERSON), np.uint8(0), mask), alpha
