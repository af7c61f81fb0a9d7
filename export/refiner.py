"""The network that refines edges, as a torch module and as an ONNX graph."""

from __future__ import annotations

import io
import logging
import math
import warnings
from contextlib import redirect_stdout

import onnx
import torch
from torch import nn
from torch.nn import functional as F

from export.graphs.to_onnx import OPSET

FINE, DEEP = 16, 32
"""Channels at stride 2 and at stride 4; onnxruntime is quickest with multiples of 16."""
DILATIONS = (1, 2, 4, 2, 1, 1)
LARGEST_LOGIT = 6.0
TRACED_SIZE = (97, 129)


class Refiner(nn.Module):
    """Photo and coarse probability to planes over colour, whose value is the logit of alpha.

    `photo` is float32 (N, 3, h, w) in -1..1, RGB; `coarse` float32 (N, 1, h4, w4) in 0..1, the
    probability at every fourth pixel, where h4 = (h - 1) // 4 + 1. The result is float32
    (N, 4, h4, w4): plane . (r, g, b, 1), for colours in 0..1, is the logit. 9,572 weights.

    After Wu et al., "Fast End-to-End Trainable Guided Filter" (CVPR 2018) and Gharbi et al., "Deep
    Bilateral Learning" (2017): the network decides where, and how, alpha follows colour.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, FINE, 3, stride=2, padding=1)
        self.down = nn.Conv2d(FINE, FINE, 3, stride=2, padding=1, groups=FINE)
        self.mix = nn.Conv2d(FINE, DEEP, 1)
        # Apart from the others: 17 channels would be none of onnxruntime's quick ones.
        self.lift = nn.Conv2d(1, DEEP, 1, bias=False)
        self.deep = nn.Sequential(*(_Block(DEEP, dilation) for dilation in DILATIONS))
        self.planes = nn.Conv2d(DEEP, 4, 1)
        for parameters in self.planes.parameters():
            nn.init.zeros_(parameters)  # begins as the coarse probability, upsampled

    def forward(self, photo: torch.Tensor, coarse: torch.Tensor) -> torch.Tensor:
        """The planes."""
        least = 1 / (1 + math.exp(LARGEST_LOGIT))
        logit = torch.log(coarse + least) - torch.log(1 - coarse + least)
        low = self.mix(self.down(F.relu(self.stem(photo))))
        deep = self.deep(F.relu(low + self.lift(logit)))
        slopes, level = self.planes(deep).split([3, 1], dim=1)
        # From colours in -1..1, which are learnt more evenly, to colours in 0..1.
        level = level + logit - slopes.sum(dim=1, keepdim=True)
        return torch.cat([2 * slopes, level], dim=1)


def apply_planes(planes: torch.Tensor, photo: torch.Tensor) -> torch.Tensor:
    """The logit of alpha at each pixel, float32 (N, h, w), of a photo in -1..1, sides 4 k + 1."""
    planes = F.interpolate(planes, photo.shape[2:], mode="bilinear", align_corners=True)
    return (planes[:, :3] * (photo + 1) / 2).sum(dim=1) + planes[:, 3]


def to_refiner_graph(refiner: Refiner) -> onnx.ModelProto:
    """The graph: "photo" (1, 3, height, width) and "coarse" (1, 1, h4, w4) to "planes"."""
    height, width = TRACED_SIZE
    example = (torch.zeros(1, 3, height, width), torch.zeros(1, 1, height // 4 + 1, width // 4 + 1))
    stream = io.BytesIO()
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # of the exporter, about itself
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        torch.onnx.export(
            refiner.eval(),
            example,
            stream,  # type: ignore[arg-type]  # its annotation forgets streams
            dynamo=False,
            opset_version=OPSET,
            input_names=["photo", "coarse"],
            output_names=["planes"],
            dynamic_axes={
                "photo": {2: "height", 3: "width"},
                "coarse": {2: "h4", 3: "w4"},
                "planes": {2: "h4", 3: "w4"},
            },
        )
    model = onnx.load_from_string(stream.getvalue())
    onnx.checker.check_model(model, full_check=True)
    return model


class _Block(nn.Module):
    """A depthwise-separable convolution, added to what came in."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(
            channels, channels, 3, padding=dilation, dilation=dilation, groups=channels
        )
        self.pointwise = nn.Conv2d(channels, channels, 1)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return maps + F.relu(self.pointwise(self.depthwise(maps)))
