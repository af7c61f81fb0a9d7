"""How well a model cuts people out: `python -m export.evaluate --model NAME --data FOLDER`."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from engine.cutout.classic import VOC_CLASSES
from engine.cutout.clean import clean
from engine.cutout.refine import Refiner, open_refiner, refined_matte
from engine.errors import EngineError, OptionError
from engine.options import CutoutOptions
from engine.segment.find import find
from engine.segment.labels import class_indices, find_labels, plain_name, upsample
from engine.segment.preprocess import network_size, resize
from engine.segment.session import Session, open_session
from engine.threads import usable_threads
from export.overlap import Confusion, Overlap
from export.training.batches import Entry, read_index
from export.worst import Worst

THRESHOLD = CutoutOptions.threshold
POOLED = "all"


@dataclass
class Table:
    """The overlap of each source and of all, for plain and refined edges."""

    photos: dict[str, int] = field(default_factory=dict)
    plain: dict[str, Overlap] = field(default_factory=dict)
    refined: dict[str, Overlap] = field(default_factory=dict)
    classes: Confusion = field(default_factory=Confusion)

    def add(self, source: str, plain: np.ndarray, refined: np.ndarray, truth: np.ndarray) -> None:
        """Counts a photo: two masks, bool (H, W), and the true classes, uint8 (H, W)."""
        for name in (source, POOLED):
            self.photos[name] = self.photos.get(name, 0) + 1
            self.plain.setdefault(name, Overlap()).add(plain, truth)
            self.refined.setdefault(name, Overlap()).add(refined, truth)

    def to_dict(self) -> dict[str, Any]:
        """All figures, for machines; None where nobody was there or found."""
        sources = {
            name: {
                "photos": self.photos[name],
                "iou": _known(self.plain[name].iou),
                "boundary_iou": _known(self.plain[name].boundary_iou),
                "refined_iou": _known(self.refined[name].iou),
                "refined_boundary_iou": _known(self.refined[name].boundary_iou),
            }
            for name in sorted(self.photos)
        }
        return {"sources": sources, "mean_iou": _known(self.classes.mean_iou)}

    def to_markdown(self) -> str:
        """The table, and the mean IoU of all classes below it."""
        lines = [
            "| source | photos | IoU | boundary IoU | IoU, refined | boundary IoU, refined |",
            "|---|---|---|---|---|---|",
        ]
        for name, row in self.to_dict()["sources"].items():
            photos, *figures = row.values()
            texts = ("none" if figure is None else f"{figure:.4f}" for figure in figures)
            lines.append(f"| {name} | {photos} | {' | '.join(texts)} |")
        if self.classes.photos:
            mean, photos = self.classes.mean_iou, self.classes.photos
            lines.append(f"\nmean IoU of the {len(self.classes.pixels)} classes: {mean:.4f}, over")
            lines[-1] += f" the {photos} photos with all of them labelled"
        return "\n".join(lines)


def evaluate(
    session: Session,
    refiner: Refiner,
    entries: list[Entry],
    worst: Worst | None = None,
    precise: bool = False,
) -> Table:
    """The table of a model on photos with masks, at the photos' size, as the engine cuts them.

    "Plain" is the probability above the threshold, "refined" half of the cleaned and refined
    matte; `worst` collects the photos where the latter is furthest from the truth. The mean IoU of
    all classes is for models of VOC's classes. `precise` is that of SegmentOptions.
    """
    facts = session.facts
    person = class_indices(("person",), facts.classes)
    is_voc = [*map(plain_name, facts.classes)] == [*map(plain_name, VOC_CLASSES)]
    table = Table()
    for entry in entries:
        photo, truth = entry.read()
        height, width = truth.shape
        small = resize(photo, network_size(height, width, facts.input))
        logits, coarse = find(session, photo, small, person, precise)
        plain = upsample(coarse, height, width, facts.align_corners) > THRESHOLD
        cleaned = clean(coarse, THRESHOLD)
        alpha, _ = refined_matte(
            cleaned, photo, small, THRESHOLD, facts.align_corners, refiner, session.threads
        )
        table.add(entry.source, plain, alpha > 0.5, truth)
        if worst:
            worst.add(entry, alpha > 0.5, truth)
        if entry.fully_labelled and is_voc:
            labels = find_labels(logits, height, width, facts.align_corners)
            table.classes.add(labels, truth)
    return table


def _known(figure: float) -> float | None:
    return None if math.isnan(figure) else figure


def main(
    data: Annotated[
        Path, typer.Option(metavar="FOLDER", help="index.csv, photos/, masks/: docs/training.md.")
    ],
    model: Annotated[str, typer.Option(help="A model's name, or an .onnx file.")] = "default",
    models: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of exported models.")
    ] = None,
    split: Annotated[str, typer.Option(help="Of the index: val or train.")] = "val",
    every: Annotated[int, typer.Option(help="Take every n-th photo only.")] = 1,
    worst: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write pictures of the photos cut out worst."),
    ] = None,
    count: Annotated[int, typer.Option(help="How many are the worst.")] = 24,
    precise: Annotated[bool, typer.Option("--precise", help="Look at each person again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print a model's person IoU and boundary IoU, by source and pooled over pixels."""
    try:
        if every < 1:
            raise OptionError(f"--every {every}: expected at least 1.")
        if count < 1:
            raise OptionError(f"--count {count}: expected at least 1.")
        entries = read_index(data, split)[::every]
        session = open_session(model, "cpu", usable_threads(), models)
        refiner, found = open_refiner("cpu", session.threads), Worst(count)
        table = evaluate(session, refiner, entries, found, precise)
        if worst:
            found.write(worst)
    except EngineError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    print(json.dumps(table.to_dict(), indent=2) if as_json else table.to_markdown())


if __name__ == "__main__":
    cli = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    cli.command()(main)
    cli(prog_name="python -m export.evaluate")
