"""A second look of the network at each person, from a distance that suits the person's size."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.segment.labels import find_probability, upsample
from engine.segment.preprocess import network_size, resize, to_tensor
from engine.segment.session import Session
from engine.weights import FixedSize, InputRule

LEAST_PROBABILITY = 0.5
"""Of a pixel that belongs to a person."""
MARGIN = 0.2
"""Around a person, as a share of the longer side of the person's box."""
MOST_PEOPLE = 8
"""The largest are looked at, so that a crowd takes no longer."""
AREA_SHARE = 0.5
"""Pixels of a box in the network's input, as a share of those of the whole photo."""
TRUST = 0.6
"""Share of the second look in the logits inside a box."""
LEAST_SIDE = 8
"""Pixels of the photo. There is nothing to see in a smaller box."""


class Box(NamedTuple):
    """Rows top to bottom and columns left to right of the logits, without the last ones."""

    top: int
    left: int
    bottom: int
    right: int


def look_again(
    session: Session,
    photo: NDArray[np.uint8],
    logits: NDArray[np.float32],
    kept: NDArray[np.intp],
) -> NDArray[np.float32]:
    """The logits, float32 (1, C, h, w), of a photo, uint8 (H, W, 3), after a second look.

    The network runs again on a box around each part of the `kept` classes, and its answers are
    averaged with the first ones. All boxes have as many pixels in its input: who fills the photo
    is seen smaller than before, so that more of the body is in view at once, and who is small is
    seen larger. Each box, of at most MOST_PEOPLE, takes about half as long as the whole photo,
    and less memory. Raises what `Session.run` raises.
    """
    facts = session.facts
    fused = logits.copy()
    size = fused.shape[2:]
    for box in find_boxes(find_probability(logits, kept) > LEAST_PROBABILITY):
        crop = crop_box(photo, box, size, facts.align_corners)
        if min(crop.shape[:2]) < LEAST_SIDE:
            continue
        small = resize(crop, _box_size(crop, photo, facts.input), session.threads)
        seen = session.run(to_tensor(small, facts))
        weight = weigh_box(box, size, TRUST)
        height, width = weight.shape
        for old, new in zip(fused[0], seen[0], strict=True):
            part = old[box.top : box.bottom, box.left : box.right]
            part += weight * (upsample(new, height, width, facts.align_corners) - part)
    return fused


def find_boxes(is_kept: NDArray[np.bool_]) -> list[Box]:
    """Boxes around the largest 8-connected parts, bool (h, w), with margins; none overlap."""
    height, width = is_kept.shape
    _, _, stats, _ = cv2.connectedComponentsWithStats(is_kept.astype(np.uint8))
    people = sorted(stats[1:].tolist(), key=lambda part: -part[cv2.CC_STAT_AREA])
    boxes: list[Box] = []
    for left, top, across, down, _ in people[:MOST_PEOPLE]:
        margin = max(2, round(MARGIN * max(across, down)))
        box = Box(
            max(0, top - margin), max(0, left - margin),
            min(height, top + down + margin), min(width, left + across + margin),
        )  # fmt: skip
        boxes = _join(boxes, box)
    return boxes


def crop_box(
    photo: NDArray[np.uint8], box: Box, size: tuple[int, ...], align_corners: bool
) -> NDArray[np.uint8]:
    """The pixels that the logits of a box, out of (h, w), lie on."""
    ends = []
    for start, stop, cells, pixels in zip(box[:2], box[2:], size, photo.shape, strict=False):
        if align_corners:
            step = (pixels - 1) / max(1, cells - 1)
            ends.append(slice(round(start * step), round((stop - 1) * step) + 1))
        else:
            ends.append(slice(start * pixels // cells, -(-stop * pixels // cells)))
    return photo[tuple(ends)]


def weigh_box(box: Box, size: tuple[int, ...], most: float) -> NDArray[np.float32]:
    """Weight of a second look, float32 (h, w) of a box, out of (h, w): `most` but at its margins.

    It fades out there, unless the photo ends with them.
    """
    fades = []
    for start, stop, cells in zip(box[:2], box[2:], size, strict=True):
        inside = np.arange(0.5, stop - start)
        rise = max(1.0, (stop - start) * MARGIN / (1 + 2 * MARGIN))
        before = inside / rise if start > 0 else 1
        after = inside[::-1] / rise if stop < cells else 1
        fades.append(np.minimum(np.minimum(before, after), np.ones(stop - start)))
    return np.asarray(most * np.outer(*fades), np.float32)


def _join(boxes: list[Box], box: Box) -> list[Box]:
    """The boxes and one more, which becomes one with those that it overlaps."""
    for other in boxes:
        top, left = max(box.top, other.top), max(box.left, other.left)
        if top < min(box.bottom, other.bottom) and left < min(box.right, other.right):
            both = Box(*map(min, box[:2], other[:2]), *map(max, box[2:], other[2:]))
            return _join([rest for rest in boxes if rest is not other], both)
    return [*boxes, box]


def _box_size(
    crop: NDArray[np.uint8], photo: NDArray[np.uint8], rule: InputRule | FixedSize
) -> tuple[int, int]:
    """Height and width of the network's input for a crop."""
    if isinstance(rule, FixedSize):
        return rule.height, rule.width
    height, width = crop.shape[:2]
    whole = network_size(photo.shape[0], photo.shape[1], rule)
    area = AREA_SHARE * whole[0] * whole[1]
    scale = min(math.sqrt(area / (height * width)), rule.longer_side_limit / max(height, width))
    return rule.round_side(height * scale), rule.round_side(width * scale)
