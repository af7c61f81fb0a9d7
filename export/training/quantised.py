"""Training for int8: forward passes round as the exported graph does, gradients pass unrounded.

After Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-
Only Inference" (2018).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

from export.graphs.quantise import ACTIVATION_STEPS, WEIGHT_STEPS, Range


def round_activations(network: nn.Module, ranges: dict[str, Range]) -> None:
    """Rounds what the modules of these names put out, in place, to 8 bits over their ranges.

    An activation's range begins at its lower limit, and ends at or below its upper one: the
    rounding takes its place. Like `speed_up`, after which it comes, it changes `forward` only.
    """
    for name, module in network.named_modules():
        if name in ranges:
            is_limit = isinstance(module, nn.ReLU | nn.ReLU6)
            inner = None if is_limit else module.forward
            module.forward = partial(_round_output, inner, ranges[name])


def round_weights(weight: torch.Tensor) -> torch.Tensor:
    """A convolution's weights, float32 (out, in, h, w), in 7 bits per output channel."""
    with torch.no_grad():
        scale = weight.abs().amax(dim=(1, 2, 3), keepdim=True) / WEIGHT_STEPS
        change = (weight / scale.clamp(min=torch.finfo(weight.dtype).tiny)).round() * scale - weight
    return weight + change


def _round_output(
    inner: Callable[..., torch.Tensor] | None, range_: Range, *inputs: torch.Tensor
) -> torch.Tensor:
    return _Rounding.apply(inner(*inputs) if inner else inputs[0], *range_)


class _Rounding(torch.autograd.Function):
    """`torch.fake_quantize_per_tensor_affine`, which takes six times as long on a CPU."""

    @staticmethod
    def forward(ctx: Any, maps: torch.Tensor, low: float, high: float) -> torch.Tensor:
        low, high = min(low, 0.0), max(high, 0.0)  # zero is a step, as padding needs it
        scale = (high - low) / ACTIVATION_STEPS or 1.0
        zero = round(-low / scale)
        ctx.save_for_backward(maps)
        ctx.limits = (-zero * scale, (ACTIVATION_STEPS - zero) * scale)
        steps = maps.float().mul(1 / scale).round_().clamp_(-zero, ACTIVATION_STEPS - zero)
        return steps.mul_(scale).to(maps.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (maps,) = ctx.saved_tensors
        return torch.ops.aten.hardtanh_backward(gradient, maps, *ctx.limits), None, None
