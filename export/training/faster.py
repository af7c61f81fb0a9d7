"""The same arithmetic, quicker to train on a CPU: about twice as many steps per hour."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from export.training.quantised import round_weights

LARGEST_RATE = 12
"""Above it a phase has so few pixels that splitting costs more than it saves."""


def speed_up(network: nn.Module, int8: bool = False) -> None:
    """Folds batch norms that keep their statistics into their convolutions, and splits atrous ones.

    Works in place, on the modules' `forward`: weights, gradients and state dict stay as they are,
    but a copy of the network would compute with the weights of this one. For `int8` the folded
    weights are rounded.
    """
    for module, following in pairwise([*network.modules(), None]):
        if isinstance(module, nn.Conv2d):
            folds = isinstance(following, nn.BatchNorm2d) and not following.training
            module.forward = partial(_convolve, module, following if folds else None, int8)
            if folds:
                following.forward = _unchanged


def _convolve(
    conv: nn.Conv2d, norm: nn.BatchNorm2d | None, int8: bool, maps: torch.Tensor
) -> torch.Tensor:
    weight, bias = conv.weight, conv.bias
    if norm is not None:
        scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
        weight = weight * scale[:, None, None, None]
        bias = norm.bias - norm.running_mean * scale
    if int8:
        weight = round_weights(weight)
    rate, groups = conv.dilation[0], conv.groups
    if groups > 1 and 1 < rate <= LARGEST_RATE:
        return _convolve_phases(maps, weight, bias, rate)
    return F.conv2d(maps, weight, bias, conv.stride, conv.padding, conv.dilation, groups)


def _convolve_phases(
    maps: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, rate: int
) -> torch.Tensor:
    """An atrous depthwise 3 x 3 convolution: a plain one of each of the rate x rate phases.

    oneDNN takes ten times longer over the gradients of an atrous depthwise convolution.
    """
    count, channels, height, width = maps.shape
    rows, columns = -(-height // rate), -(-width // rate)
    pad = (0, 0, 0, columns * rate - width, 0, rows * rate - height)
    maps = F.pad(maps.permute(0, 2, 3, 1), pad)  # channels last, as they lie in memory
    maps = maps.reshape(count, rows, rate, columns, rate, channels).permute(0, 2, 4, 5, 1, 3)
    phases = maps.reshape(count * rate**2, channels, rows, columns)
    phases = phases.contiguous(memory_format=torch.channels_last)
    done = F.conv2d(phases, weight, bias, padding=1, groups=channels).permute(0, 2, 3, 1)
    done = done.reshape(count, rate, rate, rows, columns, channels).permute(0, 3, 1, 4, 2, 5)
    done = done.reshape(count, rows * rate, columns * rate, channels)
    return done[:, :height, :width].permute(0, 3, 1, 2)


def _unchanged(maps: torch.Tensor) -> torch.Tensor:
    return maps
