"""A training run: batches, checkpoints, evaluations, over as many sittings as it takes."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from engine.errors import EngineError, OptionError, PhotoError
from export.network import CLASSES
from export.overlap import Confusion, Overlap
from export.predict import find_logits, upsample_person
from export.training.batches import Batch, Batches, Entry, read_index
from export.training.trainer import Trainer
from export.training.unlabelled import mark_unlabelled

LOG = "log.jsonl"
SAVE_SECONDS = 120.0


def train(
    data: Path, init: str, hours: float, out: Path, seed: int, every: float, main_only: list[str]
) -> None:
    """Trains until `hours` of all sittings are used up; evaluates `every` so many minutes.

    Raises OptionError, PhotoError, ModelError.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    trainer = Trainer(init, hours, out)
    if trainer.share >= 1:
        raise OptionError(f"{out}: its {hours:g} hours are used up; --hours takes a longer time.")
    val, entries = read_index(data, "val"), read_index(data, "train")
    unknown = set(main_only) - {entry.source for entry in entries}
    if unknown:
        raise OptionError(f"--main-only {unknown.pop()}: no such source in the index.")
    rest = [e for e in entries if e.source in main_only]
    rest = mark_unlabelled(rest, trainer.average, out / "void")
    entries = [e for e in entries if e.source not in main_only] + rest
    if trainer.progress.step == 0:
        _log(out, trainer, {"val": evaluate(trainer.result(), val)})
    _run(trainer, _load(Batches(entries, seed), trainer.progress.step), val, 60 * every)


def _run(trainer: Trainer, batches: Iterator[Batch], val: list[Entry], every: float) -> None:
    progress, losses = trainer.progress, []
    started, before = time.monotonic(), progress.seconds
    saved = started
    for batch in batches:
        losses.append(trainer.learn(batch))
        now = time.monotonic()
        progress.seconds = before + now - started
        due = progress.seconds - progress.evaluated > every or trainer.share >= 1
        if due:
            progress.evaluated = progress.seconds
        if due or now - saved > SAVE_SECONDS:
            trainer.save()
            saved = now
        if due:
            means = {k: round(np.mean([x[k] for x in losses if k in x]), 4) for k in losses[-1]}
            losses.clear()
            _log(trainer.out, trainer, {"loss": means, "val": evaluate(trainer.result(), val)})
        if trainer.share >= 1:
            return


@torch.inference_mode()
def evaluate(network: nn.Module, entries: list[Entry]) -> dict[str, Any]:
    """Person IoU and boundary IoU by source and pooled, and mean IoU of all 21 classes.

    At the photos' size; the last where all classes are labelled. None where nobody was there.
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
        "iou": {source: _rounded(each.iou) for source, each in overlaps.items()},
        "boundary_iou": {s: _rounded(each.boundary_iou) for s, each in overlaps.items()},
        "mean_iou": _rounded(confusion.mean_iou),
    }


def _rounded(figure: float) -> float | None:
    return None if math.isnan(figure) else round(figure, 4)


def _load(batches: Batches, first: int) -> Iterator[Batch]:
    # "spawn", for OpenCV's threads do not survive a fork.
    loader = DataLoader(
        batches, batch_size=None, sampler=range(first, len(batches)), num_workers=1,
        prefetch_factor=6, worker_init_fn=_set_up_worker, collate_fn=_as_it_is,
        multiprocessing_context="spawn",
    )  # fmt: skip
    try:
        yield from loader
    except EngineError as error:  # of a photo, with the worker's whole traceback
        raise PhotoError(str(error).strip().splitlines()[-1]) from error


def _set_up_worker(_: int) -> None:
    cv2.setNumThreads(1)


def _as_it_is(batch: Batch) -> Batch:
    return batch


def _log(out: Path, trainer: Trainer, figures: dict[str, Any]) -> None:
    progress = trainer.progress
    line = json.dumps({"step": progress.step, "seconds": round(progress.seconds)} | figures)
    path = out / LOG
    # A sitting that was killed may have left half a line.
    broken = path.exists() and not path.read_bytes().endswith(b"\n")
    with path.open("a") as file:
        file.write(("\n" if broken else "") + line + "\n")
    print(line, flush=True)
