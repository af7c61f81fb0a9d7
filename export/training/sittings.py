"""A training run: batches, checkpoints, evaluations, over as many sittings as it takes."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from engine.errors import OptionError
from export.checkpoint import load_weights, read_ranges
from export.graphs.quantise import CALIBRATION_PHOTOS, Range, calibrate
from export.graphs.to_onnx import to_logits_graph
from export.network import CLASSES, find_recipe
from export.overlap import Confusion, Overlap
from export.photos import find_samples, read_tensors
from export.predict import NETWORK, find_logits, network_facts, upsample_person
from export.training.batches import Batches, Entry, read_index
from export.training.trainer import CHECKPOINT, WEIGHTS, Trainer
from export.training.unlabelled import mark_unlabelled

LOG = "log.jsonl"
SAVE_SECONDS = 120.0
EVALUATED = 3
"""Every third val photo is watched: enough to see where training goes."""


def train(
    data: Path,
    init: str,
    hours: float,
    out: Path,
    seed: int,
    every: float,
    main_only: list[str],
    teacher: str | None = None,
    int8: bool = False,
) -> None:
    """Trains until `hours` of all sittings are used up; evaluates `every` so many minutes.

    For `int8` trained weights learn to be rounded, over ranges that are found before the first
    step and noted in the resulting weights.

    Both are counted in processor time of the training thread, which other work leaves alone, and
    in which a stopped process does not age.

    Raises OptionError, PhotoError, ModelError.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    ranges = _find_ranges(data, init, out, int8)
    trainer = Trainer(init, out, teacher, ranges)
    if trainer.progress.seconds >= 3600 * hours:
        raise OptionError(f"{out}: its {hours:g} hours are used up; --hours takes a longer time.")
    val, entries = read_index(data, "val")[::EVALUATED], read_index(data, "train")
    unknown = set(main_only) - {entry.source for entry in entries}
    if unknown:
        raise OptionError(f"--main-only {unknown.pop()}: no such source in the index.")
    rest = [e for e in entries if e.source in main_only]
    rest = mark_unlabelled(rest, trainer.average, out / "void")
    entries = [e for e in entries if e.source not in main_only] + rest
    if trainer.progress.step == 0:
        _log(out, trainer, {"val": evaluate(trainer.average, val)})
    _run(trainer, Batches(entries, seed), val, 60 * every, 3600 * hours)


def _find_ranges(data: Path, init: str, out: Path, int8: bool) -> dict[str, Range] | None:
    """For int8 those of the run in `out`, or of the initial weights over photos to train on."""
    known = read_ranges(str(out / WEIGHTS))
    if (out / CHECKPOINT).exists() and int8 != (known is not None):
        kind = "int8" if known else "float"
        raise OptionError(f"{out}: its run is one for {kind}; give another folder.")
    if known or not int8:
        return known
    if init == "none":
        raise OptionError("only trained weights can learn to be rounded to int8; give their file.")
    recipe = find_recipe(NETWORK)
    network = recipe.build()
    load_weights(network, recipe, init)
    samples = find_samples(data, "train", CALIBRATION_PHOTOS)
    return calibrate(to_logits_graph(network), read_tensors(samples, network_facts()))


def _run(trainer: Trainer, batches: Batches, val: list[Entry], every: float, budget: float) -> None:
    progress, losses = trainer.progress, []
    started, saved = time.thread_time() - progress.seconds, time.monotonic()
    over = False
    while not over:
        # In this thread: a batch takes less than a tenth of a step.
        left = 1 - progress.seconds / budget
        losses.append(trainer.learn(batches[progress.step], left))
        progress.seconds = time.thread_time() - started
        over = progress.seconds >= budget
        due = over or progress.seconds - progress.evaluated > every
        if due:
            progress.evaluated = progress.seconds
        if due or time.monotonic() - saved > SAVE_SECONDS:
            trainer.save()
            saved = time.monotonic()
        if due:
            figures = {"loss": _means(losses), "val": evaluate(trainer.average, val)}
            _log(trainer.out, trainer, figures)
            losses.clear()


def _means(losses: list[dict[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for each in losses for name in each)
    return {k: round(float(np.mean([x[k] for x in losses if k in x])), 4) for k in names}


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
        "photos": len(entries),
        "iou": {source: _rounded(each.iou) for source, each in overlaps.items()},
        "boundary_iou": {s: _rounded(each.boundary_iou) for s, each in overlaps.items()},
        "mean_iou": _rounded(confusion.mean_iou),
    }


def _rounded(figure: float) -> float | None:
    return None if math.isnan(figure) else round(figure, 4)


def _log(out: Path, trainer: Trainer, figures: dict[str, Any]) -> None:
    progress = trainer.progress
    line = json.dumps({"step": progress.step, "seconds": round(progress.seconds)} | figures)
    path = out / LOG
    # A sitting that was killed may have left half a line.
    broken = path.exists() and not path.read_bytes().endswith(b"\n")
    with path.open("a") as file:
        file.write(("\n" if broken else "") + line + "\n")
    print(line, flush=True)
