"""Trains our own network: `python -m export.train --data FOLDER --init FILE --hours H --out DIR`.

Stopped at any moment and called again, it goes on from its last checkpoint; a batch depends on the
seed and its number only.
"""

from __future__ import annotations

import copy
import json
import math
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import torch
import typer
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from engine.errors import EngineError, ModelError, OptionError
from export.checkpoint import load_weights
from export.data import Batch, Batches, Entry, read_index
from export.network import CLASSES, LogitsOnly, find_recipe
from export.overlap import Confusion, Overlap
from export.photos import PERSON, VOID
from export.predict import NETWORK, find_logits, upsample_person
from export.unlabelled import mark_unlabelled

CHECKPOINT, WEIGHTS, LOG = "checkpoint.pt", "weights.safetensors", "log.jsonl"
LEARNING_RATE = {"decoder": 1e-3, "rest": 6e-5}
WEIGHT_DECAY = 1e-4
WARM_UP_STEPS = 200
EMA_DECAY = 0.998
EDGE_WEIGHT = 3.0
FROZEN_BLOCKS = 3
"""The first ones, to stride 4: a third of a step's time, and little to learn."""
SAVE_SECONDS = 120.0


@dataclass
class Progress:
    """How far training has come, over all sittings."""

    step: int = 0
    seconds: float = 0.0


class Trainer:
    """The network, its moving average and its optimiser, and how far they have come."""

    def __init__(self, init: str, hours: float, out: Path) -> None:
        self.hours, self.out = hours, out
        recipe = find_recipe(NETWORK)
        self.network = recipe.build()
        self.progress = Progress()
        load_weights(self.network, recipe, init, new_part="classifier.decoder.")
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
        _train_mode(self.network)
        losses = find_losses(LogitsOnly(self.network)(_normalise(batch.photos)), batch)
        self.optimiser.zero_grad(set_to_none=True)
        sum(losses.values()).backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.progress.step += 1
        self._average()
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def save(self) -> None:
        """Writes the checkpoint and the averaged weights, each in one go."""
        from safetensors.torch import save_file

        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "progress": asdict(self.progress),
        }
        _replace(self.out / CHECKPOINT, lambda path: torch.save(state, path))
        weights = {k: v.contiguous() for k, v in self.average.state_dict().items()}
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
    """The losses of low-resolution logits, float32 (N, 21, h, w).

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
        "overlap": 0.3 * (1 - (both + 1) / (either + 1)),
    }
    full = torch.from_numpy(batch.fully_labelled)
    if full.any():
        small = classes[full][:, None].float()
        small = F.interpolate(small, logits.shape[2:], mode="nearest-exact")[:, 0].long()
        losses["classes"] = F.cross_entropy(logits[full], small, ignore_index=VOID)
    return losses


@torch.inference_mode()
def evaluate(network: nn.Module, entries: list[Entry]) -> dict[str, Any]:
    """Person IoU and boundary IoU by source and pooled, and mean IoU of all 21 classes.

    At the photos' size; the last where all classes are labelled.
    """
    overlaps: dict[str, Overlap] = {}
    confusion = Confusion(CLASSES)
    for entry in entries:
        photo, truth = entry.read()
        logits = find_logits(network, photo)
        found = upsample_person(logits, truth.shape).numpy() > 0.5
        for source in (entry.source, "all"):
            overlaps.setdefault(source, Overlap()).add(found, truth)
        if entry.fully_labelled:
            full = F.interpolate(logits, truth.shape, mode="bilinear", align_corners=True)
            confusion.add(full[0].argmax(dim=0).numpy(), truth)
    return {
        "iou": {source: round(each.iou, 4) for source, each in overlaps.items()},
        "boundary_iou": {s: round(each.boundary_iou, 4) for s, each in overlaps.items()},
        "mean_iou": round(confusion.mean_iou, 4),
    }


def train(
    data: Path, init: str, hours: float, out: Path, seed: int, every: float, main_only: list[str]
) -> None:
    """Trains until `hours` of all sittings are used up."""
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    trainer = Trainer(init, hours, out)
    val = read_index(data, "val")
    entries = read_index(data, "train")
    whole = [e for e in entries if e.source not in main_only]
    rest = [e for e in entries if e.source in main_only]
    entries = whole + mark_unlabelled(rest, trainer.average, out / "void")
    if trainer.progress.step == 0:
        _log(out, trainer, {"val": evaluate(trainer.average, val)})
    saved = started = time.monotonic()
    before = trainer.progress.seconds
    evaluated, losses = before, []
    for batch in _load(Batches(entries, seed), trainer.progress.step):
        losses.append(trainer.learn(batch))
        now = time.monotonic()
        trainer.progress.seconds = before + now - started
        done = trainer.share >= 1
        if now - saved > SAVE_SECONDS or done:
            trainer.save()
            saved = now
        if trainer.progress.seconds - evaluated > 60 * every or done:
            evaluated = trainer.progress.seconds
            means = {k: round(np.mean([x[k] for x in losses if k in x]), 4) for k in losses[0]}
            losses = []
            _log(out, trainer, {"loss": means, "val": evaluate(trainer.average, val)})
        if done:
            return


def _load(batches: Batches, first: int) -> Iterator[Batch]:
    # "spawn", for OpenCV's threads do not survive a fork.
    loader = DataLoader(
        batches, batch_size=None, sampler=range(first, len(batches)), num_workers=1,
        prefetch_factor=6, worker_init_fn=_set_up_worker, collate_fn=_as_it_is,
        multiprocessing_context="spawn",
    )  # fmt: skip
    return iter(loader)


def _set_up_worker(_: int) -> None:
    cv2.setNumThreads(1)


def _as_it_is(batch: Batch) -> Batch:
    return batch


def _groups(network: nn.Module) -> list[dict[str, Any]]:
    parts: dict[str, list[nn.Parameter]] = {"decoder": [], "rest": []}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            parts["decoder" if ".decoder." in name else "rest"].append(parameter)
    return [
        {"params": parameters, "base_lr": LEARNING_RATE[part]} for part, parameters in parts.items()
    ]


def _train_mode(network: nn.Module) -> None:
    """Batch norms keep their statistics, for a batch has few photos; the new decoder's learn."""
    network.train()
    for name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm2d) and ".decoder." not in name:
            module.eval()


def _normalise(photos: np.ndarray) -> torch.Tensor:
    planes = torch.from_numpy(photos).permute(0, 3, 1, 2)  # channels last in memory
    return (planes.float() - 127.5) / 127.5


def _replace(path: Path, write: Any) -> None:
    temporary = path.with_suffix(".tmp")
    write(temporary)
    os.replace(temporary, path)


def _log(out: Path, trainer: Trainer, figures: dict[str, Any]) -> None:
    line = {"step": trainer.progress.step, "seconds": round(trainer.progress.seconds)} | figures
    with (out / LOG).open("a") as file:
        file.write(json.dumps(line) + "\n")
    print(json.dumps(line), flush=True)


def main(
    data: Annotated[
        Path, typer.Option(metavar="FOLDER", help="index.csv, photos/, masks/: docs/training.md.")
    ],
    init: Annotated[
        str, typer.Option(metavar="FILE", help="Weights to start from; none: random ones.")
    ],
    hours: Annotated[float, typer.Option(help="Time budget of all sittings together.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Checkpoint, weights and log.")],
    seed: Annotated[int, typer.Option(help="Of the order and the augmentation.")] = 0,
    every: Annotated[float, typer.Option(help="Minutes between evaluations.")] = 20,
    main_only: Annotated[
        list[str] | None,
        typer.Option(metavar="SOURCE", help="A source that labels one person a photo; repeatable."),
    ] = None,
) -> None:
    """Train our own network, or go on with it; one JSON line per evaluation."""
    try:
        if not hours > 0:
            raise OptionError(f"--hours {hours}: wanted more than 0.")
        train(data, init, hours, out, seed, every, main_only or [])
    except EngineError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None


if __name__ == "__main__":
    cli = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    cli.command()(main)
    cli(prog_name="python -m export.train")
