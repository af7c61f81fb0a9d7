"""The cut-out of classic mode: painted with the VOC palette, kept channel by channel, on white."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.cutout.matte import EDGE_KERNEL
from engine.errors import PhotoError

VOC_CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair",
    "cow", "dining table", "dog", "horse", "motorbike", "person", "potted plant", "sheep", "sofa",
    "train", "tv/monitor",
)  # fmt: skip


def voc_colours() -> NDArray[np.uint8]:
    """The PASCAL VOC palette, uint8 (256, 3) RGB: bit 3 i + c of the index is bit 7 - i of c."""
    index = np.arange(256)[:, None]
    channel = np.arange(3)
    bits = [((index >> (3 * i + channel)) & 1) << (7 - i) for i in range(3)]
    return np.asarray(sum(bits), np.uint8)


def classic_mask(label_map: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Foreground per colour channel, uint8 (h, w, 3), 0..255, its edge blurred.

    A class whose colour has a zero in a channel is not kept in that channel.
    """
    mask = np.where(voc_colours()[label_map] > 0, 255, 0).astype(np.uint8)
    return cv2.GaussianBlur(mask, EDGE_KERNEL, 0)  # type: ignore[return-value]


def decode_segmap(label_map: NDArray[np.integer], photo: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The cut-out on white, float64 (h, w, 3) in 0..1.

    Parameters
    ----------
    label_map : integer (h, w)
        VOC class index, 0..255; 0 is the background.
    photo : uint8 (H, W, 3) RGB
        Resized to (h, w) with OpenCV's bilinear filter.

    Raises
    ------
    PhotoError
        An array has another shape or dtype, or holds no pixel.
    """
    label_map, photo = np.asarray(label_map), np.asarray(photo)
    if label_map.ndim != 2 or label_map.size == 0 or label_map.dtype.kind not in "iu":
        found = f"{label_map.dtype} {label_map.shape}"
        raise PhotoError(f"label map: {found}; expected integers of shape (h, w).")
    if label_map.min() < 0 or label_map.max() > 255:
        raise PhotoError("label map: expected class indices in 0..255.")
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or photo.size == 0:
        raise PhotoError(f"photo: {photo.dtype} {photo.shape}; expected uint8 (H, W, 3).")
    return cut_out(classic_mask(label_map), photo)


def cut_out(mask: NDArray[np.uint8], photo: NDArray[np.uint8]) -> NDArray[np.float64]:
    """`photo`, resized to `mask`, by `mask`, uint8 (h, w, 3), on white: float64 in 0..1."""
    alpha = mask / np.float64(255)
    height, width = mask.shape[:2]
    resized = cv2.resize(np.ascontiguousarray(photo), (width, height)).astype(np.float64)
    return np.asarray((alpha * resized + (1 - alpha) * 255) / 255)
