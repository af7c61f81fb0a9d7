"""A network's own alpha matte as logits of two classes, which all that follows works on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST = 1e-4
"""Alpha below this, or as near to 1, is that near to it: logits are finite."""
TOLERANCE = 1e-3
"""By which a probability may lie outside 0..1, because float16 and int8 round."""


def find_alpha_problem(alpha: NDArray[np.float32], kind: str) -> str:
    """What keeps alpha from being used, "" if nothing does; all of it is finite.

    It is not stretched to 0..1, as rembg does it: where nothing stands out, that makes a ghost.
    """
    least, most = float(alpha.min()), float(alpha.max())
    if kind == "logits" or -TOLERANCE <= least <= most <= 1 + TOLERANCE:
        return ""
    return (
        f"alpha lies in {least:g}..{most:g}, expected 0..1. Where these are logits, say so "
        'in its description: "alpha": "logits"'
    )


def to_logits(alpha: NDArray[np.float32], kind: str) -> NDArray[np.float32]:
    """Logits of background and foreground, float32 (1, 2, h, w), of float32 (1, 1, h, w).

    `kind` says whether these are the probability of the foreground or its logits. The background's
    are 0.
    """
    most = np.float32(np.log(1 / LEAST - 1))
    logits = np.zeros((1, 2, *alpha.shape[2:]), np.float32)
    if kind == "logits":
        np.clip(alpha[0, 0], -most, most, out=logits[0, 1])
    else:
        share = np.clip(alpha[0, 0], np.float32(LEAST), np.float32(1 - LEAST))
        np.log(share / (1 - share), out=logits[0, 1])
    return logits
