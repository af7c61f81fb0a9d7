"""Our own small DeepLabV3 in torch: MobileNetV2 at output stride 16, depthwise-separable ASPP.

After Chen et al., "Rethinking Atrous Convolution" (2017) and Sandler et al., "MobileNetV2"
(2018); built on torchvision's `DeepLabV3` and `mobilenet_v2`.
"""

from __future__ import annotations

import torch
from torch import nn
from torchvision.models import mobilenet_v2
from torchvision.models.segmentation import DeepLabV3

CLASSES = 21
ASPP_CHANNELS = 256
ASPP_RATES = (6, 12, 18)
_FIRST_ATROUS_BLOCK = 14
_LAST_BLOCK = 18


class LogitsOnly(nn.Module):
    """A torchvision segmentation network without its last step, the upsampling.

    float32 (N, 3, h, w), normalised, to logits, float32 (N, C, h', w').
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.backbone, self.classifier = network.backbone, network.classifier

    def forward(self, tensor: torch.Tensor) -> torch.Tensor:
        """Low-resolution logits."""
        return self.classifier(self.backbone(tensor)["out"])


def deeplabv3_mobilenet_v2() -> DeepLabV3:
    """The network with random weights, 2.57 million of them."""
    return DeepLabV3(_Backbone(), _Head())


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

    def forward(self, tensor: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"out": self.features(tensor)}


class _Head(nn.Module):
    """ASPP and the classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.aspp = _ASPP(320)
        self.logits = nn.Conv2d(ASPP_CHANNELS, CLASSES, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.logits(self.aspp(features))


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


def _conv_bn(channels: int, out: int, size: int, rate: int = 1) -> list[nn.Module]:
    """Convolution (depthwise for 3 x 3), batch norm, ReLU."""
    depthwise = {"padding": rate, "dilation": rate, "groups": channels} if size == 3 else {}
    conv = nn.Conv2d(channels, out, size, bias=False, **depthwise)
    return [conv, nn.BatchNorm2d(out), nn.ReLU()]
