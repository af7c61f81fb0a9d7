"""Logits to label map and probability at any size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.errors import OptionError, did_you_mean
from engine.facts import FOREGROUND
from engine.kernels import labels as kernels


def find_labels(
    logits: NDArray[np.float32], height: int, width: int, align_corners: bool = False
) -> NDArray[np.uint8]:
    """The label map, uint8 (H, W): argmax of logits, float32 (1, C, h, w), upsampled bilinearly.

    The same as upsampling all classes, as torch does it, and taking the largest, the first one on
    a tie.
    """
    rows, row_share = find_taps(logits.shape[2], height, align_corners)
    columns, column_share = find_taps(logits.shape[3], width, align_corners)
    label_map = np.empty((height, width), np.uint8)
    classes = np.ascontiguousarray(logits[0])
    kernels.upsample_labels(classes, rows, row_share, columns, column_share, label_map)
    return label_map


def find_probability(logits: NDArray[np.float32], kept: NDArray[np.intp]) -> NDArray[np.float32]:
    """The kept classes' share of the softmax, float32 (h, w) in 0..1, of (1, C, h, w) logits."""
    shifted = np.exp(logits[0] - logits[0].max(axis=0))
    share = shifted[kept].sum(axis=0) / shifted.sum(axis=0)
    return np.asarray(np.clip(share, 0, 1, out=share))


def upsample(
    maps: NDArray[np.float32], height: int, width: int, align_corners: bool
) -> NDArray[np.float32]:
    """`maps`, float32 (h, w), at (H, W), bilinearly, as torch does it."""
    rows, row_share = find_taps(maps.shape[0], height, align_corners)
    columns, column_share = find_taps(maps.shape[1], width, align_corners)
    out = np.empty((height, width), np.float32)
    low = np.ascontiguousarray(maps)
    kernels.upsample(low, rows, row_share, columns, column_share, out)
    return out


def find_taps(
    size: int, target: int, align_corners: bool
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For each of `target` pixels: the one of `size` before it, and the share of the next one.

    With `align_corners` the first and the last lie on each other, else pixels are areas and the
    border is repeated.
    """
    pixels = np.arange(target, dtype=np.float32)
    if align_corners:
        source = np.float32(size - 1) / np.float32(max(target - 1, 1)) * pixels
    else:
        half = np.float32(0.5)
        source = np.float32(size) / np.float32(target) * (pixels + half) - half
        source = np.maximum(source, np.float32(0))
    before = np.minimum(source.astype(np.int64), size - 1)
    return before, source - before.astype(np.float32)


def class_indices(names: tuple[str, ...], classes: tuple[str, ...]) -> NDArray[np.intp]:
    """Indices of the named classes, ascending; "all" means all but the background.

    A person is whatever stands out, where the model tells nothing else apart.

    Raises OptionError for a name that the model does not know.
    """
    if "all" in names or (names == ("person",) and classes[1:] == (FOREGROUND,)):
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
