"""Logits to label map and probability at any size."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import OptionError, did_you_mean
from engine.kernels.labels import upsample_labels


def find_labels(logits: NDArray[np.float32], height: int, width: int) -> NDArray[np.uint8]:
    """The label map, uint8 (H, W): argmax of logits, float32 (1, C, h, w), upsampled bilinearly.

    The same as upsampling all classes (half-pixel centres) and taking the largest, the first
    one on a tie.
    """
    label_map = np.empty((height, width), np.uint8)
    upsample_labels(np.ascontiguousarray(logits[0]), label_map)
    return label_map


def find_probability(
    logits: NDArray[np.float32], kept: NDArray[np.intp], height: int, width: int
) -> NDArray[np.float32]:
    """The kept classes' share of the softmax, float32 (H, W) in 0..1, upsampled bilinearly."""
    shifted = np.exp(logits[0] - logits[0].max(axis=0))
    share = shifted[kept].sum(axis=0) / shifted.sum(axis=0)
    upsampled = cv2.resize(share, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip(upsampled, 0, 1, out=upsampled)  # type: ignore[return-value,call-overload,no-any-return]


def class_indices(names: tuple[str, ...], classes: tuple[str, ...]) -> NDArray[np.intp]:
    """Indices of the named classes, ascending; "all" means all but the background.

    Raises OptionError for a name that the model does not know.
    """
    if "all" in names:
        return np.arange(1, len(classes))
    index_of = {plain_name(name): index for index, name in enumerate(classes) if index > 0}
    for name in names:
        if plain_name(name) not in index_of:
            hint = did_you_mean(name, ("all", *classes[1:]))
            raise OptionError(f"keep: the model has no class {name!r}. {hint}")
    return np.array(sorted({index_of[plain_name(name)] for name in names}))


def plain_name(name: str) -> str:
    """Letters and digits only: "dining table" is "diningtable"."""
    return "".join(filter(str.isalnum, name.lower()))
