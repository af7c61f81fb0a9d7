"""One step of training, its losses, and its checkpoints."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from engine.errors import ModelError
from export.checkpoint import load_weights
from export.network import LogitsOnly, find_recipe
from export.photos import PERSON, VOID
from export.predict import NETWORK
from export.training.batches import Batch

CHECKPOINT, WEIGHTS = "checkpoint.pt", "weights.safetensors"
LEARNING_RATE = {"decoder": 1e-3, "rest": 6e-5}
WEIGHT_DECAY = 1e-4
WARM_UP_STEPS = 200
EMA_DECAY = 0.998
INITIAL_SHARE = 0.5
EDGE_WEIGHT, OVERLAP_WEIGHT = 3.0, 0.3
FROZEN_BLOCKS = 3
"""The first ones, to stride 4: a third of a step's time, and little to learn."""


@dataclass
class Progress:
    """How far training has come, over all sittings."""

    step: int = 0
    seconds: float = 0.0
    evaluated: float = 0.0
    """Seconds at the last evaluation."""


class Trainer:
    """The network, its moving average and its optimiser, and how far they have come.

    Raises ModelError where `init` does not fit, or the checkpoint in `out` is none of ours.
    """

    def __init__(self, init: str, hours: float, out: Path) -> None:
        self.hours, self.out, self._from_scratch = hours, out, init == "none"
        recipe = find_recipe(NETWORK)
        self.network = recipe.build()
        self.progress = Progress()
        load_weights(self.network, recipe, init, new_part="classifier.decoder.")
        self._initial = copy.deepcopy(self.network.state_dict())
        if not self._from_scratch:
            self.network.backbone.features[:FROZEN_BLOCKS].requires_grad_(False)
        self.average = copy.deepcopy(self.network).eval()
        self.optimiser = torch.optim.AdamW(_groups(self.network), weight_decay=WEIGHT_DECAY)
        if (out / CHECKPOINT).exists():
            self._resume()
        self.network.to(memory_format=torch.channels_last)
        self.average.to(memory_format=torch.channels_last)

    @property
    def share(self) -> float:
        """Share of the time budget that is used up, 0..1."""
        return min(1.0, self.progress.seconds / (3600 * self.hours))

    def learn(self, batch: Batch) -> dict[str, float]:
        """One step. Returns its losses."""
        rate = 0.5 * (1 + math.cos(math.pi * self.share))
        rate *= min(1.0, (self.progress.step + 1) / WARM_UP_STEPS)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["base_lr"]
        self._train_mode()
        losses = find_losses(LogitsOnly(self.network)(_normalise(batch.photos)), batch)
        self.optimiser.zero_grad(set_to_none=True)
        sum(losses.values()).backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0, error_if_nonfinite=True)
        self.optimiser.step()
        self.progress.step += 1
        self._average()
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def result(self) -> nn.Module:
        """The average, half way back to the initial weights, which recognise more than we teach.

        Source: Wortsman et al., "Robust fine-tuning of zero-shot models" (CVPR 2022).
        """
        new_decoder = not self._initial["classifier.decoder.logits.weight"].any()
        result = copy.deepcopy(self.average)
        for key, value in result.state_dict().items():
            fresh = self._from_scratch or (new_decoder and ".decoder." in key)
            if value.dtype.is_floating_point and not fresh:
                value.lerp_(self._initial[key], INITIAL_SHARE)
        return result

    def save(self) -> None:
        """Writes the checkpoint and the resulting weights, each in one go."""
        from safetensors.torch import save_file

        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "progress": asdict(self.progress),
        }
        _replace(self.out / CHECKPOINT, lambda path: torch.save(state, path))
        weights = {k: v.contiguous() for k, v in self.result().state_dict().items()}
        _replace(self.out / WEIGHTS, lambda path: save_file(weights, path))

    def _resume(self) -> None:
        path = self.out / CHECKPOINT
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.progress = Progress(**state["progress"])
        except Exception as error:  # pickle and zip have errors of their own
            raise ModelError(f"{path}: no checkpoint of this network: {error}") from error

    def _train_mode(self) -> None:
        """Batch norms keep their statistics, for batches are small; the new decoder's learn."""
        self.network.train()
        for name, module in self.network.named_modules():
            keeps = ".decoder." not in name and not self._from_scratch
            if isinstance(module, nn.BatchNorm2d) and keeps:
                module.eval()

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(EMA_DECAY, (1 + self.progress.step) / (10 + self.progress.step))
        own, others = self.average.state_dict(), self.network.state_dict()
        for key, value in own.items():
            if value.dtype.is_floating_point:
                value.lerp_(others[key], 1 - decay)
            else:
                value.copy_(others[key])


def find_losses(logits: torch.Tensor, batch: Batch) -> dict[str, torch.Tensor]:
    """The losses of low-resolution logits, float32 (N, 21, h, w), corners aligned.

    - person: cross-entropy of person against the rest, at full size, more at the edges;
    - overlap: 1 - soft IoU of the person, pooled over the batch;
    - classes: cross-entropy of the 21 classes, where all are labelled.
    """
    classes = torch.from_numpy(batch.classes)
    wanted = torch.from_numpy(batch.person)[:, None].float() / 255
    known = (classes != VOID)[:, None].float()
    others = torch.cat([logits[:, :PERSON], logits[:, PERSON + 1 :]], dim=1)
    score = logits[:, PERSON : PERSON + 1] - others.logsumexp(dim=1, keepdim=True)
    score = F.interpolate(score, classes.shape[1:], mode="bilinear", align_corners=True)
    near_edge = torch.from_numpy(batch.near_edge)[:, None]
    weight = known * (1 + EDGE_WEIGHT * near_edge)
    entropy = F.binary_cross_entropy_with_logits(score, wanted, reduction="none")
    probability = score.sigmoid() * known
    both = (probability * wanted).sum()
    either = (probability + wanted * known).sum() - both
    losses = {
        "person": (entropy * weight).sum() / weight.sum().clamp(min=1),
        "overlap": OVERLAP_WEIGHT * (1 - (both + 1) / (either + 1)),
    }
    full = torch.from_numpy(batch.fully_labelled)
    if full.any():
        step = (classes.shape[1] - 1) // (logits.shape[2] - 1)  # corners on corners
        small = classes[full][:, ::step, ::step].long()
        total = F.cross_entropy(logits[full], small, ignore_index=VOID, reduction="sum")
        losses["classes"] = total / (small != VOID).sum().clamp(min=1)
    return losses


def _groups(network: nn.Module) -> list[dict[str, Any]]:
    parts: dict[str, list[nn.Parameter]] = {"decoder": [], "rest": []}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            parts["decoder" if ".decoder." in name else "rest"].append(parameter)
    return [
        {"params": parameters, "base_lr": LEARNING_RATE[part]} for part, parameters in parts.items()
    ]


def _normalise(photos: np.ndarray) -> torch.Tensor:
    planes = torch.from_numpy(photos).permute(0, 3, 1, 2)  # channels last in memory
    return (planes.float() - 127.5) / 127.5


def _replace(path: Path, write: Callable[[Path], Any]) -> None:
    temporary = path.with_suffix(".tmp")
    write(temporary)
    temporary.chmod(0o644)  # safetensors' are its owner's only
    os.replace(temporary, path)
