"""Photo to what the network finds in it: one look, a second one, and another network's borders."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.segment.borders import draw_borders
from engine.segment.labels import find_probability
from engine.segment.preprocess import to_tensor
from engine.segment.second_look import look_again
from engine.segment.session import Session


def find(
    session: Session,
    photo: NDArray[np.uint8],
    small: NDArray[np.uint8],
    kept: NDArray[np.intp],
    precise: bool = False,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Logits, float32 (1, C, h', w'), and the probability of the `kept` classes, (h", w"), 0..1.

    `photo` is uint8 (H, W, 3), and `small` the same as the network sees it. `precise` is that of
    SegmentOptions. Where a second network draws the borders, the probability is as large as
    `small`, and the logits are the first one's. Raises what `Session.run` raises.
    """
    logits = session.run(to_tensor(small, session.facts))
    if precise:
        logits = look_again(session, photo, logits, kept)
    probability = find_probability(logits, kept)
    if session.borders:
        align_corners = session.facts.align_corners
        probability = draw_borders(
            session.borders, photo, small.shape[:2], probability, align_corners
        )
    return logits, probability
