"""Trains the refiner: `python -m export.training.edges --data FOLDER --hours H --out DIR`.

Stopped at any moment and called again, it continues from its last checkpoint; a batch depends on
the seed and its number only. docs/training.md describes it.
"""

from __future__ import annotations

import copy
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from engine.errors import EngineError, ModelError, OptionError
from engine.segment.session import open_session
from export.__main__ import require_torch
from export.matte_benchmark import look
from export.training.batches import near_border, read_index
from export.training.crops import CROPS_PER_PHOTO, PHOTOS_PER_SHARD, CropMaker, Crops, disturb

CHECKPOINT, GRAPH, LOG = "checkpoint.pt", "refiner.onnx", "log.jsonl"
BATCH = 16
LEARNING_RATE, WARM_UP_STEPS, LEVEL_STEPS = 3e-3, 100, 1500
EMA_DECAY = 0.998
SAVE_SECONDS = 60.0
BAND_PIXELS = 8
BAND_WEIGHT, GRADIENT_WEIGHT, ENTROPY_WEIGHT = 4.0, 2.0, 0.05
VAL_SHARDS = 2


class Trainer:
    """The refiner, its moving average and its optimiser; continues from the checkpoint in `out`.

    Raises ModelError where that is none of ours.
    """

    def __init__(self, out: Path) -> None:
        import torch

        from export.refiner import Refiner

        self.out, self.step, self.seconds = out, 0, 0.0
        self.refiner = Refiner().to(memory_format=torch.channels_last)  # a third quicker
        self.average = copy.deepcopy(self.refiner).requires_grad_(False)
        self.optimiser = torch.optim.AdamW(self.refiner.parameters(), LEARNING_RATE)
        if (out / CHECKPOINT).exists():
            self._resume(out / CHECKPOINT)

    def learn(self, crops: Crops) -> float:
        """One step; the loss."""
        import torch

        rate = min(1, (self.step + 1) / WARM_UP_STEPS) / max(1, self.step / LEVEL_STEPS) ** 0.5
        for group in self.optimiser.param_groups:
            group["lr"] = LEARNING_RATE * rate
        loss = find_loss(self.refiner, crops)
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.refiner.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        decay = min(EMA_DECAY, self.step / (self.step + 10))
        with torch.no_grad():
            for own, new in zip(self.average.parameters(), self.refiner.parameters(), strict=True):
                own.lerp_(new, 1 - decay)
        return float(loss.detach())

    def save(self) -> None:
        """Replaces the checkpoint as a whole, and the graph."""
        import torch

        from export.refiner import to_refiner_graph

        part = self.out / "checkpoint.part"
        torch.save(
            {
                "refiner": self.refiner.state_dict(),
                "average": self.average.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "step": self.step,
                "seconds": self.seconds,
            },
            part,
        )
        os.replace(part, self.out / CHECKPOINT)
        graph = to_refiner_graph(copy.deepcopy(self.average)).SerializeToString()
        (self.out / GRAPH).write_bytes(graph)

    def _resume(self, path: Path) -> None:
        import torch

        try:
            state = torch.load(path, weights_only=True)
            self.refiner.load_state_dict(state["refiner"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step, self.seconds = state["step"], state["seconds"]
        except Exception as error:  # torch has many, for what may be in a damaged file
            raise ModelError(f"{path}: no checkpoint of the refiner. Remove it.") from error


def find_loss(refiner: Any, crops: Crops) -> Any:
    """Of alpha, its gradient and its cross-entropy; heavier near borders, none where unknown."""
    import torch
    from torch.nn import functional as F

    from export.refiner import apply_planes

    photo = torch.from_numpy(crops.photo).permute(0, 3, 1, 2).float() / 127.5 - 1
    coarse = torch.from_numpy(crops.coarse).float()[:, None]
    truth = torch.from_numpy(crops.alpha).float() / 255
    known = torch.from_numpy(crops.known).float()
    logit = apply_planes(refiner(photo, coarse), photo)
    alpha = logit.sigmoid()
    near = np.stack([near_border(each, BAND_PIXELS) for each in crops.alpha])
    weight = known * (1 + BAND_WEIGHT * torch.from_numpy(near))
    weight = weight / weight.sum().clamp(min=1)
    entropy = F.binary_cross_entropy_with_logits(logit, truth, reduction="none")
    apart = (alpha - truth).abs()
    loss = (weight * (apart + ENTROPY_WEIGHT * entropy)).sum()
    for axis in (1, 2):
        steps = (alpha - truth).diff(dim=axis).abs()
        steps_known = torch.minimum(*(weight.narrow(axis, i, steps.shape[axis]) for i in (0, 1)))
        loss = loss + GRADIENT_WEIGHT * (steps_known * steps).sum()
    return loss


def make_crops(
    data: Path, model: str, out: Path, shards: int, seed: int, pasted_only: list[str]
) -> None:
    """Makes the shards that are still missing, of train and, a few, of val photos."""
    session = open_session(model, "cpu", 1)

    def see(photo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        seen = look(session, photo)
        return seen.small, seen.probability

    for split, count in (("val", VAL_SHARDS), ("train", shards)):
        folder = out / split
        folder.mkdir(parents=True, exist_ok=True)
        missing = [i for i in range(count) if not (folder / f"{i:04}.npz").exists()]
        maker = CropMaker(read_index(data, split), see, seed, pasted_only) if missing else None
        for number in missing:
            maker.make(number).save(folder / f"{number:04}.npz")


def train(out: Path, hours: float, seed: int, every: float) -> None:
    """Trains until `hours` of all sittings are used up, on the shards in `out`."""
    import torch

    torch.manual_seed(seed)
    trainer = Trainer(out)
    shards = sorted((out / "train").glob("*.npz"))
    steps = CROPS_PER_PHOTO * PHOTOS_PER_SHARD // BATCH
    started, saved = time.thread_time() - trainer.seconds, time.monotonic()
    logged = trainer.seconds
    shard, crops, losses = -1, None, []
    while trainer.seconds < 3600 * hours:
        number, position = divmod(trainer.step, steps)
        if number != shard:
            epoch, turn = divmod(number, len(shards))
            order = np.random.default_rng((seed, epoch)).permutation(len(shards))
            crops, shard = Crops.load(shards[order[turn]]), number
            mixed = np.random.default_rng((seed, number, 1)).permutation(len(crops.photo))
        batch = crops[mixed[position * BATCH : (position + 1) * BATCH]]
        rng = np.random.default_rng((seed, trainer.step, 2))
        losses.append(trainer.learn(replace(batch, coarse=disturb(batch.coarse, rng))))
        trainer.seconds = time.thread_time() - started
        if time.monotonic() - saved > SAVE_SECONDS:
            trainer.save()
            saved = time.monotonic()
        if trainer.seconds - logged > 60 * every:
            _log(trainer, losses)
            logged = trainer.seconds
            losses = []
    trainer.save()
    _log(trainer, losses)


def _log(trainer: Trainer, losses: list[float]) -> None:
    import torch

    with torch.no_grad():
        val = [
            float(find_loss(trainer.average, crops[np.arange(i, i + BATCH)]))
            for path in sorted((trainer.out / "val").glob("*.npz"))
            for crops in [Crops.load(path)]
            for i in range(0, len(crops.photo), BATCH)
        ]
    line = json.dumps(
        {
            "step": trainer.step,
            "seconds": round(trainer.seconds),
            "loss": round(float(np.mean(losses)), 5) if losses else None,
            "val": round(float(np.mean(val)), 5),
        }
    )
    with (trainer.out / LOG).open("a") as file:
        file.write(line + "\n")
    print(line, flush=True)


def main(
    data: Annotated[
        Path, typer.Option(metavar="FOLDER", help="index.csv, photos/, masks/, mattes/.")
    ],
    hours: Annotated[float, typer.Option(help="Processor time of all sittings together.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Crops, checkpoint, graph and log.")],
    model: Annotated[str, typer.Option(help="Whose edges are refined.")] = "default",
    shards: Annotated[int, typer.Option(help=f"Of {PHOTOS_PER_SHARD} photos each.")] = 40,
    seed: Annotated[int, typer.Option(help="Of crops and their order.")] = 0,
    every: Annotated[float, typer.Option(help="Minutes between evaluations.")] = 2,
    pasted_only: Annotated[
        list[str] | None,
        typer.Option(metavar="SOURCE", help="A source that labels one person a photo; repeatable."),
    ] = None,
) -> None:
    """Train the refiner of edges, or continue; one JSON line per evaluation."""
    try:
        if not (hours > 0 and every > 0 and shards > 0):
            raise OptionError("--hours, --every and --shards: expected more than 0.")
        require_torch()
        make_crops(data, model, out, shards, seed, pasted_only or [])
        train(out, hours, seed, every)
    except EngineError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None


if __name__ == "__main__":
    cli = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    cli.command()(main)
    cli(prog_name="python -m export.training.edges")
