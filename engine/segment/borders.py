"""The borders of what one network found, by another one that gives alpha."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.segment.alpha import LEAST
from engine.segment.labels import upsample
from engine.segment.preprocess import network_size, resize, to_tensor
from engine.segment.second_look import (
    LEAST_PROBABILITY,
    LEAST_SIDE,
    crop_box,
    find_boxes,
    weigh_box,
)
from engine.segment.session import Session

TRUST = 0.2
"""Share of the second network in the logits inside a box. Of 0.1 to 0.7, u2netp helps most here:
such networks are as sure of what somebody holds as of the person."""


def draw_borders(
    session: Session,
    photo: NDArray[np.uint8],
    size: tuple[int, ...],
    probability: NDArray[np.float32],
    align_corners: bool,
) -> NDArray[np.float32]:
    """The probability, float32 (h', w') in 0..1, at (h, w), with the borders of a second network.

    It sees a box around each part that the first one found in the `photo`, uint8 (H, W, 3). There
    the logits of both are averaged: what the first one is sure of stays, which says who is meant,
    and where it is not, which is at borders, the second one decides. Raises what `Session.run`
    raises.
    """
    facts = session.facts
    upsampled = upsample(probability, size[0], size[1], align_corners)
    logits = _to_logits(upsampled)
    for box in find_boxes(upsampled > LEAST_PROBABILITY):
        crop = crop_box(photo, box, size, align_corners)
        if min(crop.shape[:2]) < LEAST_SIDE:
            continue
        fed = network_size(crop.shape[0], crop.shape[1], facts.input)
        seen = session.run(to_tensor(resize(crop, fed, session.threads), facts))[0]
        weight = weigh_box(box, size, TRUST)
        height, width = weight.shape
        part = logits[box.top : box.bottom, box.left : box.right]
        part += weight * (upsample(seen[1] - seen[0], height, width, facts.align_corners) - part)
    return np.asarray(1 / (1 + np.exp(-logits)), np.float32)


def _to_logits(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    share = np.clip(probability, np.float32(LEAST), np.float32(1 - LEAST))
    return np.asarray(np.log(share / (1 - share)), np.float32)
