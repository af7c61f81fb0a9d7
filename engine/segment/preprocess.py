"""Photo to network input."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.errors import PhotoError
from engine.kernels import resample as kernels
from engine.strips import in_strips
from engine.weights import FixedSize, InputRule, ModelFacts

CLASSIC_SHORTER_SIDE = 450
CLASSIC_MAX_ASPECT = 20


def network_size(height: int, width: int, rule: InputRule | FixedSize) -> tuple[int, int]:
    """Height and width of the input for a photo: its proportions, in few different shapes."""
    if isinstance(rule, FixedSize):
        return rule.height, rule.width
    scale = min(rule.shorter_side / min(height, width), rule.longer_side_limit / max(height, width))
    return rule.round_side(height * scale), rule.round_side(width * scale)


def classic_size(height: int, width: int) -> tuple[int, int]:
    """Height and width with the shorter side 450, as torchvision's Resize(450) rounds them.

    Raises PhotoError when the longer side is more than 20 times the shorter.
    """
    short, long = min(height, width), max(height, width)
    if long > CLASSIC_MAX_ASPECT * short:
        raise PhotoError(
            f"photo of {width} x {height}: too elongated for classic mode, which takes "
            f"{CLASSIC_MAX_ASPECT} : 1 at most.",
            option="classic",
            advice="Leave out {}.",
        )
    longer_side = int(CLASSIC_SHORTER_SIDE * long / short)
    if height <= width:
        return CLASSIC_SHORTER_SIDE, longer_side
    return longer_side, CLASSIC_SHORTER_SIDE


def resize(photo: NDArray[np.uint8], size: tuple[int, int], threads: int = 1) -> NDArray[np.uint8]:
    """A picture at another (h, w), uint8 (h, w, 3): bilinear, antialiased.

    Pillow's, across first and then down; Pillow itself takes the order that is cheaper, with
    levels that differ by one at most.
    """
    height, width = size
    photo = np.require(photo, requirements=("C", "W"))
    out = np.empty((height, width, 3), np.uint8)
    rows, columns = _taps(photo.shape[0], height), _taps(photo.shape[1], width)
    lines, small_lines = photo.reshape(len(photo), -1), out.reshape(height, -1)
    in_strips(
        lambda top, bottom: kernels.resample(lines, *rows, *columns, top, bottom, small_lines),
        height,
        max(width, photo.shape[0] * photo.shape[1] // height),
        threads,
    )
    return out


def classic_resize(photo: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture at another (h, w), uint8 (h, w, 3), by Pillow's bilinear filter."""
    height, width = size
    return np.array(Image.fromarray(photo).resize((width, height), Image.Resampling.BILINEAR))


def to_tensor(photo: NDArray[np.uint8], facts: ModelFacts) -> NDArray[np.float32]:
    """The network's input, float32 (1, 3, h, w), of a photo that has its size: normalised."""
    levels = np.arange(256, dtype=np.float32) / np.float32(255)
    mean, std = np.array(facts.mean, np.float32), np.array(facts.std, np.float32)
    tables = (levels - mean[:, None]) / std[:, None]
    tensor = np.empty((1, 3, *photo.shape[:2]), np.float32)
    photo = np.require(photo, requirements=("C", "W"))
    kernels.normalise(photo, tables, -1 if facts.channel_order == "BGR" else 1, tensor)
    return tensor


def _taps(size: int, target: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
    """For each of `target` pixels: the first one of `size`, how many, and their weights.

    A triangle as wide as one pixel of the coarser side, in Pillow's order of operations. Weights
    are int32 (target, most), in units of 2**-22.
    """
    scale = size / target
    reach = max(scale, 1.0)
    centres = (np.arange(target) + 0.5) * scale
    starts = np.maximum((centres - reach + 0.5).astype(np.int64), 0)
    counts = np.minimum((centres + reach + 0.5).astype(np.int64), size) - starts
    taps = np.arange(counts.max())
    distance = np.abs((starts[:, None] + taps - centres[:, None] + 0.5) * (1.0 / reach))
    weights = np.where((distance < 1) & (taps < counts[:, None]), 1.0 - distance, 0.0)
    weights /= np.cumsum(weights, axis=1)[:, -1:]  # unlike sum(), from left to right
    scaled = np.floor(weights * (1 << kernels.PRECISION) + 0.5).astype(np.int32)
    return starts, counts, scaled
