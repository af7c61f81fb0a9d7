"""One step of training, its losses, and its checkpoints."""

from __future__ import annotations

import copy
import json
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
from export.checkpoint import RANGES_KEY, load_weights
from export.graphs.quantise import Range, ranges_by_module
from export.graphs.to_onnx import to_logits_graph
from export.network import CLASSES, DECODER, LogitsOnly, find_recipe
from export.photos import PERSON, VOID
from export.predict import NETWORK
from export.training.batches import Batch
from export.training.faster import speed_up
from export.training.quantised import round_activations

CHECKPOINT, WEIGHTS = "checkpoint.pt", "weights.safetensors"
LEARNING_RATE = {"decoder": 2e-4, "rest": 4e-5}
WEIGHT_DECAY = 1e-4
WARM_UP_STEPS, LEVEL_STEPS = 200, 8000
EMA_DECAY = 0.9995
EDGE_WEIGHT, OVERLAP_WEIGHT = 3.0, 0.3
CLASSES_WEIGHT, KEPT_WEIGHT = 0.15, 0.9
"""At 1 their gradients are four times as long as the person's, the labels' mostly noise."""
COOL_DOWN = 0.2
"""The last share of the hours, in which the learning rate falls to zero."""
INT8_RATE, INT8_EMA_DECAY = 0.1, 0.99
INT8_WEIGHT = 0.5
"""Of the divergence from the network in float."""
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
    """The network, its moving average, its optimiser and its teacher, and how far they have come.

    `teacher` is a file of weights whose knowledge of the classes beside person is to be kept:
    those of `init` if there is none. With `ranges`, of the activations by tensor, it is trained for
    int8: at a tenth of the rate, which cools down from the start, and near to what it was.

    Raises ModelError where `init` does not fit, or the checkpoint in `out` is none of ours.
    """

    def __init__(
        self,
        init: str,
        out: Path,
        teacher: str | None = None,
        ranges: dict[str, Range] | None = None,
    ) -> None:
        self.out, self.ranges, self._from_scratch = out, ranges, init == "none"
        self.network = _load(init)
        self.teacher = None if teacher is None and self._from_scratch else _load(teacher or init)
        self.progress = Progress()
        self._new_decoder = not self.network.classifier.decoder.logits.weight.any()
        if not self._from_scratch:
            self.network.backbone.features[:FROZEN_BLOCKS].requires_grad_(False)
        self.average = copy.deepcopy(self.network).eval()
        self.optimiser = torch.optim.AdamW(_groups(self.network), weight_decay=WEIGHT_DECAY)
        if (out / CHECKPOINT).exists():
            self._resume()
        self._train_mode()
        by_module = ranges_by_module(to_logits_graph(self.network), ranges) if ranges else {}
        for network in filter(None, (self.network, self.average, self.teacher)):
            network.to(memory_format=torch.channels_last)
            int8 = ranges is not None and network is not self.teacher
            speed_up(network, int8)
            if int8:
                round_activations(network, by_module)

    def learn(self, batch: Batch, left: float = 1.0) -> dict[str, float]:
        """One step, with this share of the hours left. Returns its losses."""
        for group in self.optimiser.param_groups:
            group["lr"] = self._rate(left) * group["base_lr"]
        photos = _normalise(batch.photos)
        with torch.autocast("cpu", torch.bfloat16, enabled=_has_bfloat16()):
            logits, (taught, original) = LogitsOnly(self.network)(photos), self._ask_teacher(photos)
        losses = find_losses(logits.float(), batch, taught)
        if original is not None:
            losses["drift"] = find_drift(logits.float(), original)
        self.optimiser.zero_grad(set_to_none=True)
        sum(losses.values()).backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0, error_if_nonfinite=True)
        self.optimiser.step()
        self.progress.step += 1
        self._average()
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def _rate(self, left: float) -> float:
        if self.ranges is None:
            return find_rate(self.progress.step, left)
        return INT8_RATE * find_rate(self.progress.step, left, cool_down=1.0)

    @torch.no_grad()
    def _ask_teacher(self, photos: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """The teacher's logits at stride 16, where it knows the classes, and for int8 all of it."""
        if self.teacher is None:
            return None, None
        head, features = self.teacher.classifier, self.teacher.backbone(photos)
        coarse = head.logits(head.aspp(features["high"])).float()
        return coarse, None if self.ranges is None else head(features).float()

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
        weights = {k: v.contiguous() for k, v in self.average.state_dict().items()}
        notes = None if self.ranges is None else {RANGES_KEY: json.dumps(self.ranges)}
        _replace(self.out / WEIGHTS, lambda path: save_file(weights, path, notes))

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
        """Batch norms keep their statistics, because batches are small; a new decoder's learn."""
        self.network.train()
        for name, module in self.network.named_modules():
            learns = self._from_scratch or (self._new_decoder and name.startswith(DECODER))
            if isinstance(module, nn.BatchNorm2d) and not learns:
                module.eval()

    @torch.no_grad()
    def _average(self) -> None:
        decay = EMA_DECAY if self.ranges is None else INT8_EMA_DECAY
        if self._from_scratch:  # random weights are soon forgotten
            decay = min(decay, (1 + self.progress.step) / (10 + self.progress.step))
        own, others = self.average.state_dict(), self.network.state_dict()
        for key, value in own.items():
            if value.dtype.is_floating_point:
                value.lerp_(others[key], 1 - decay)
            else:
                value.copy_(others[key])


def find_rate(step: int, left: float, cool_down: float = COOL_DOWN) -> float:
    """The learning rate's factor, 0..1: warm-up, level, 1 / root, and at the end a cool-down.

    `left` is the share of the hours that is left, `cool_down` that in which the rate falls to zero.
    After Hägele et al., "Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations"
    (2024).
    """
    cooling = max(0.0, left) / cool_down
    return min(1.0, (step + 1) / WARM_UP_STEPS, math.sqrt(LEVEL_STEPS / (step + 1)), cooling)


def find_losses(
    logits: torch.Tensor, batch: Batch, taught: torch.Tensor | None = None
) -> dict[str, torch.Tensor]:
    """The losses of low-resolution logits, float32 (N, 21, h, w), corners aligned.

    - person: cross-entropy of person against the rest, at full size, more at the edges;
    - overlap: 1 - soft IoU of the person, pooled over the batch;
    - classes: cross-entropy of the 21 classes, where all are labelled;
    - kept: divergence from the teacher's classes beside person, where nobody is. `taught` is its
      logits, float32 (N, 21, h', w'), at a multiple of the stride.
    """
    classes = torch.from_numpy(batch.classes)
    target = torch.from_numpy(batch.person)[:, None].float() / 255
    known = (classes != VOID)[:, None].float()
    others = _beside_person(logits)
    score = _person_score(logits)
    score = F.interpolate(score, classes.shape[1:], mode="bilinear", align_corners=True)
    near_edge = torch.from_numpy(batch.near_edge)[:, None]
    weight = known * (1 + EDGE_WEIGHT * near_edge)
    entropy = F.binary_cross_entropy_with_logits(score, target, reduction="none")
    probability = score.sigmoid() * known
    both = (probability * target).sum()
    either = (probability + target * known).sum() - both
    losses = {
        "person": (entropy * weight).sum() / weight.sum().clamp(min=1),
        "overlap": OVERLAP_WEIGHT * (1 - (both + 1) / (either + 1)),
    }
    full = torch.from_numpy(batch.fully_labelled)
    if full.any():
        small = _sample(classes[full], logits.shape[2]).long()
        small[small >= CLASSES] = VOID
        total = F.cross_entropy(logits[full], small, ignore_index=VOID, reduction="sum")
        losses["classes"] = CLASSES_WEIGHT * total / (small != VOID).sum().clamp(min=1)
    if taught is not None:
        own = _sample(others, taught.shape[2]).log_softmax(dim=1)
        wanted = _beside_person(taught).log_softmax(dim=1)
        divergence = F.kl_div(own, wanted, reduction="none", log_target=True).sum(dim=1)
        nobody = _sample(classes, taught.shape[2]) != PERSON
        losses["kept"] = KEPT_WEIGHT * (divergence * nobody).sum() / nobody.sum().clamp(min=1)
    return losses


def find_drift(logits: torch.Tensor, original: torch.Tensor) -> torch.Tensor:
    """The cross-entropy of person against the rest with what the network in float says of it.

    Both are logits, float32 (N, 21, h, w).
    """
    wanted = _person_score(original).sigmoid()
    return INT8_WEIGHT * F.binary_cross_entropy_with_logits(_person_score(logits), wanted)


def _person_score(logits: torch.Tensor) -> torch.Tensor:
    """The logit of person against the rest, (N, 1, h, w)."""
    others = _beside_person(logits).logsumexp(dim=1, keepdim=True)
    return logits[:, PERSON : PERSON + 1] - others


def _beside_person(logits: torch.Tensor) -> torch.Tensor:
    return torch.cat([logits[:, :PERSON], logits[:, PERSON + 1 :]], dim=1)


def _sample(maps: torch.Tensor, size: int) -> torch.Tensor:
    """Every n-th pixel of square maps, `size` a side, corners on corners."""
    step = (maps.shape[-1] - 1) // (size - 1)
    return maps[..., ::step, ::step]


def _load(weights: str) -> nn.Module:
    recipe = find_recipe(NETWORK)
    network = recipe.build().eval()
    load_weights(network, recipe, weights, new_part=DECODER)
    return network


def _has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself, for about half of the time."""
    return torch.cpu._is_avx512_bf16_supported()


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
