"""Photo to network input."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.errors import PhotoError
from engine.weights import InputRule, ModelFacts

CLASSIC_SHORTER_SIDE = 450
CLASSIC_MAX_ASPECT = 20


def network_size(height: int, width: int, rule: InputRule) -> tuple[int, int]:
    """Height and width of the input for a photo: its proportions, in few different shapes."""
    scale = min(rule.shorter_side / min(height, width), rule.longer_side_limit / max(height, width))
    return _round_side(height * scale, rule), _round_side(width * scale, rule)


def classic_size(height: int, width: int) -> tuple[int, int]:
    """Height and width with the shorter side 450, as torchvision's Resize(450) rounds them.

    Raises PhotoError when the longer side is more than 20 times the shorter.
    """
    short, long = min(height, width), max(height, width)
    if long > CLASSIC_MAX_ASPECT * short:
        raise PhotoError(
            f"photo of {width} x {height}: too elongated for classic mode, which takes "
            f"{CLASSIC_MAX_ASPECT} : 1 at most. Leave out --classic."
        )
    longer_side = int(CLASSIC_SHORTER_SIDE * long / short)
    if height <= width:
        return CLASSIC_SHORTER_SIDE, longer_side
    return longer_side, CLASSIC_SHORTER_SIDE


def resize(photo: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The photo as the network sees it, uint8 (h, w, 3): bilinear, antialiased."""
    height, width = size
    return np.array(Image.fromarray(photo).resize((width, height), Image.Resampling.BILINEAR))


def to_tensor(photo: NDArray[np.uint8], facts: ModelFacts) -> NDArray[np.float32]:
    """The network's input, float32 (1, 3, h, w), of a photo that has its size: normalised."""
    channels = photo.transpose(2, 0, 1)
    if facts.channel_order == "BGR":
        channels = channels[::-1]
    mean = np.array(facts.mean, np.float32).reshape(3, 1, 1)
    std = np.array(facts.std, np.float32).reshape(3, 1, 1)
    scaled = channels.astype(np.float32) / np.float32(255)
    return ((scaled - mean) / std)[None]


def _round_side(side: float, rule: InputRule) -> int:
    steps = max(1, round((side - rule.plus) / rule.multiple))
    return steps * rule.multiple + rule.plus
