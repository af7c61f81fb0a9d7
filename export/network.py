"""The networks that can be exported, as torch modules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from engine.errors import OptionError, did_you_mean
from export.vision import DeepLabV3, mobilenet_v2, segmentation

CLASSES = 21
ASPP_CHANNELS = 256
ASPP_RATES = (6, 12, 18)
_FIRST_ATROUS_BLOCK = 14
_LAST_BLOCK = 18
_LOW_BLOCK, _MID_BLOCK = 3, 6
DECODER = "classifier.decoder."
"""Prefix of the decoder's weights."""
DECODER_CHANNELS = 96


@dataclass(frozen=True)
class Recipe:
    """How a network is built, and what its trained weights expect."""

    build: Callable[[], nn.Module]
    """The network with 21 classes, random weights and no auxiliary head."""
    default_weights: Any
    """torchvision's weights entry, or None where there is none to download."""
    facts: dict[str, Any]
    """Input rule, mean, std, licence and origin, as in the manifest."""


class LogitsOnly(nn.Module):
    """A torchvision segmentation network without its last step, the upsampling.

    float32 (N, 3, h, w), normalised, to logits, float32 (N, C, h', w').
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.backbone, self.classifier = network.backbone, network.classifier

    def forward(self, tensor: torch.Tensor) -> torch.Tensor:
        """Low-resolution logits."""
        features = self.backbone(tensor)
        return self.classifier(features.get("out", features))  # LR-ASPP takes all its features


def deeplabv3_mobilenet_v2() -> DeepLabV3:
    """Our own small DeepLabV3: MobileNetV2 at output stride 16, depthwise-separable ASPP.

    After Chen et al., "Rethinking Atrous Convolution" (2017) and Sandler et al., "MobileNetV2"
    (2018). 2.57 million weights.
    """
    return DeepLabV3(_Backbone(), _Head())


def deeplabv3plus_mobilenet_v2() -> DeepLabV3Plus:
    """The same network with a light decoder: logits at stride 4, for edges and small people.

    After Chen et al., "Encoder-Decoder with Atrous Separable Convolution" (2018). 2.64 million
    weights. Those of deeplabv3_mobilenet_v2 fit, and until the decoder is trained give its logits,
    upsampled.
    """
    return DeepLabV3Plus()


class DeepLabV3Plus(nn.Module):
    """Photos, float32 (N, 3, h, w), normalised, to {"out": logits (N, C, h, w)}.

    Best with sides of 16 k + 1: then the corners of all maps lie on those of the input, and are
    aligned by the upsampling inside, and by the engine's. "out" is upsampled as torchvision does
    it, and classic mode.
    """

    def __init__(self) -> None:
        super().__init__()
        self.backbone, self.classifier = _Backbone(), _DecoderHead()
        self.backbone.levels = {_LOW_BLOCK: "low", _MID_BLOCK: "mid", _LAST_BLOCK - 1: "high"}

    def forward(self, tensor: torch.Tensor) -> dict[str, torch.Tensor]:
        logits = self.classifier(self.backbone(tensor))
        size = tensor.shape[2:]
        return {"out": F.interpolate(logits, size, mode="bilinear", align_corners=False)}


def find_recipe(name: str) -> Recipe:
    """The recipe of a network's name. Raises OptionError for an unknown one."""
    if name not in RECIPES:
        raise OptionError(f"network {name!r}: unknown. {did_you_mean(name, list(RECIPES))}")
    return RECIPES[name]


def _of_torchvision(name: str, weights: Any) -> Recipe:
    def build() -> nn.Module:
        builder = getattr(segmentation, name)
        return builder(weights=None, weights_backbone=None, num_classes=CLASSES)

    facts = {
        "input": {"shorter_side": 449, "multiple": 64, "plus": 1, "longer_side_limit": 1793},
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
        "licence": "BSD-3-Clause (code); trained on COCO, whose photos have terms of their own",
        "origin": f"torchvision's {name}",
    }
    return Recipe(build, weights, facts)


RECIPES = {
    "deeplabv3_resnet101": _of_torchvision(
        "deeplabv3_resnet101", segmentation.DeepLabV3_ResNet101_Weights.COCO_WITH_VOC_LABELS_V1
    ),
    "deeplabv3_resnet50": _of_torchvision(
        "deeplabv3_resnet50", segmentation.DeepLabV3_ResNet50_Weights.COCO_WITH_VOC_LABELS_V1
    ),
    "deeplabv3_mobilenet_v3_large": _of_torchvision(
        "deeplabv3_mobilenet_v3_large",
        segmentation.DeepLabV3_MobileNet_V3_Large_Weights.COCO_WITH_VOC_LABELS_V1,
    ),
    "lraspp_mobilenet_v3_large": _of_torchvision(
        "lraspp_mobilenet_v3_large",
        segmentation.LRASPP_MobileNet_V3_Large_Weights.COCO_WITH_VOC_LABELS_V1,
    ),
    "deeplabv3_mobilenet_v2": Recipe(
        deeplabv3_mobilenet_v2,
        None,
        {
            "input": {"shorter_side": 384, "multiple": 64, "plus": 1, "longer_side_limit": 1537},
            "mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5],
            "licence": "Apache-2.0",
            "origin": "this project's deeplabv3_mobilenet_v2",
        },
    ),
    "deeplabv3plus_mobilenet_v2": Recipe(
        deeplabv3plus_mobilenet_v2,
        None,
        {
            "input": {"shorter_side": 449, "multiple": 64, "plus": 1, "longer_side_limit": 1537},
            "mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5],
            "licence": "Apache-2.0",
            "origin": "this project's deeplabv3plus_mobilenet_v2",
            "align_corners": True,
        },
    ),
}


class _Backbone(nn.Module):
    """MobileNetV2 without its last convolution, 320 channels at stride 16."""

    def __init__(self) -> None:
        super().__init__()
        self.features = mobilenet_v2(weights=None).features[:_LAST_BLOCK]
        for index in range(_FIRST_ATROUS_BLOCK, _LAST_BLOCK):
            depthwise = self.features[index].conv[1][0]
            if index == _FIRST_ATROUS_BLOCK:
                depthwise.stride = (1, 1)  # 32 would follow
            else:
                depthwise.dilation = depthwise.padding = (2, 2)
        self.levels = {_LAST_BLOCK - 1: "out"}

    def forward(self, tensor: torch.Tensor) -> dict[str, torch.Tensor]:
        features = {}
        for index, block in enumerate(self.features):
            tensor = block(tensor)
            if index in self.levels:
                features[self.levels[index]] = tensor
        return features


class _Head(nn.Module):
    """ASPP and the classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.aspp = _ASPP(320)
        self.logits = nn.Conv2d(ASPP_CHANNELS, CLASSES, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.logits(self.aspp(features))


class _DecoderHead(_Head):
    """The head's logits, upsampled, and what the decoder adds to them from finer features."""

    def __init__(self) -> None:
        super().__init__()
        self.decoder = Decoder()

    def forward(self, features: dict[str, torch.Tensor]) -> torch.Tensor:
        context = self.aspp(features["high"])
        coarse = self.logits(context)
        return _upsample(coarse, features["low"]) + self.decoder(context, features)


class Decoder(nn.Module):
    """From stride 16 by way of 8 to 4, finer features added at each step."""

    def __init__(self) -> None:
        super().__init__()
        width = DECODER_CHANNELS
        self.high = nn.Sequential(*_conv_bn(ASPP_CHANNELS, width, 1)[:2])
        self.mid = nn.Sequential(*_conv_bn(32, width, 1)[:2])
        self.low = nn.Sequential(*_conv_bn(24, width, 1)[:2])
        self.refine_mid = nn.Sequential(nn.ReLU(), *_separable(width), *_separable(width))
        self.refine_low = nn.Sequential(nn.ReLU(), *_separable(width), *_separable(width))
        self.logits = nn.Conv2d(width, CLASSES, 1)
        nn.init.zeros_(self.logits.weight)
        nn.init.zeros_(self.logits.bias)

    def forward(self, context: torch.Tensor, features: dict[str, torch.Tensor]) -> torch.Tensor:
        mid, low = self.mid(features["mid"]), self.low(features["low"])
        mid = self.refine_mid(_upsample(self.high(context), mid) + mid)
        return self.logits(self.refine_low(_upsample(mid, low) + low))


class _ASPP(nn.Module):
    """Five views of the features side by side, projected."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        atrous = [
            nn.Sequential(
                *_conv_bn(channels, channels, 3, rate), *_conv_bn(channels, ASPP_CHANNELS, 1)
            )
            for rate in ASPP_RATES
        ]
        self.branches = nn.ModuleList(
            [nn.Sequential(*_conv_bn(channels, ASPP_CHANNELS, 1)), *atrous, _Pooling(channels)]
        )
        self.project = nn.Sequential(
            *_conv_bn(ASPP_CHANNELS * len(self.branches), ASPP_CHANNELS, 1), nn.Dropout(0.1)
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.project(torch.cat([branch(features) for branch in self.branches], dim=1))


class _Pooling(nn.Module):
    """The mean over the whole map, broadcast back over it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv, self.bn, _ = _conv_bn(channels, ASPP_CHANNELS, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        mean = features.mean(dim=(2, 3), keepdim=True)
        return torch.relu(self.bn(self.conv(mean))).expand(-1, -1, *features.shape[2:])


def _upsample(maps: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return F.interpolate(maps, size=like.shape[2:], mode="bilinear", align_corners=True)


def _separable(channels: int) -> list[nn.Module]:
    """A depthwise 3 x 3 and a 1 x 1 convolution."""
    return [*_conv_bn(channels, channels, 3), *_conv_bn(channels, channels, 1)]


def _conv_bn(channels: int, out: int, size: int, rate: int = 1) -> list[nn.Module]:
    """Convolution (depthwise for 3 x 3), batch norm, ReLU."""
    depthwise = {"padding": rate, "dilation": rate, "groups": channels} if size == 3 else {}
    conv = nn.Conv2d(channels, out, size, bias=False, **depthwise)
    return [conv, nn.BatchNorm2d(out), nn.ReLU()]
