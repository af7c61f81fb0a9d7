"""What we take of torchvision, which can be imported here beside any build of torch.

torchvision's wheel on PyPI is built for CUDA. Beside a CPU build of torch, which is a third of the
size, its compiled operators cannot be loaded, and its import fails at the first that it describes.
The networks here use none of its operators, so it is enough that those two have names.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch

_DESCRIBED = ("nms", "qnms")
_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def _can_load_operators() -> bool:
    """Whether torchvision's operators fit this torch; True without torchvision."""
    package = importlib.util.find_spec("torchvision")
    folder = Path(package.origin).parent if package and package.origin else Path()
    try:
        for library in folder.glob("_C*.so"):
            torch.ops.load_library(library)
    except OSError:
        return False
    return True


if not _can_load_operators():
    for _name in _DESCRIBED:
        torch.library.define(f"torchvision::{_name}", _SCHEMA)

from torchvision.models import mobilenet_v2, segmentation  # noqa: E402
from torchvision.models.resnet import Bottleneck  # noqa: E402

DeepLabV3 = segmentation.DeepLabV3

__all__ = ["Bottleneck", "DeepLabV3", "mobilenet_v2", "segmentation"]
