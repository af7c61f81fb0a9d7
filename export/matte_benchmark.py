"""How good edges are, by mode: `python -m export.matte_benchmark --data FOLDER`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer

from engine.cutout.clean import clean
from engine.cutout.matte import soft_matte
from engine.cutout.refine import Refiner, open_refiner, refined_matte
from engine.errors import EngineError, OptionError
from engine.options import CutoutOptions
from engine.segment.find import find
from engine.segment.labels import class_indices, upsample
from engine.segment.preprocess import network_size, resize
from engine.segment.session import Session, open_session
from engine.threads import usable_threads
from export.overlap import Overlap
from export.training.batches import Entry, read_index, recolour
from export.training.compose import Composer

SEED = 0
SIZES = {"300 px": (None, 60), "1 MP": (866, 24), "12 MP": (3000, 4)}
"""Shorter side of the composed photos, None for that of the data, and how many there are."""
GRADIENT_SIGMA = 1.4
THRESHOLD = CutoutOptions.threshold


@dataclass(frozen=True)
class Seen:
    """A photo, uint8 (H, W, 3), as the network saw it, and what it found, cleaned."""

    photo: np.ndarray
    small: np.ndarray
    probability: np.ndarray
    align_corners: bool


Mode = Callable[[Seen], np.ndarray]


def look(session: Session, photo: np.ndarray) -> Seen:
    """Runs the network on a photo."""
    facts = session.facts
    height, width = photo.shape[:2]
    small = resize(photo, network_size(height, width, facts.input))
    _, probability = find(session, photo, small, class_indices(("person",), facts.classes))
    return Seen(photo, small, clean(probability, THRESHOLD), facts.align_corners)


def find_modes(refiner: Refiner) -> dict[str, Mode]:
    """Alpha, float32 (H, W), of what was seen, by the mode's name."""
    return {"none": _none, "soft": _soft, "refined": partial(_refined, refiner)}


def find_errors(alpha: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """SAD and gradient error in thousands, MSE in thousandths, of two mattes in 0..1.

    After Rhemann et al., "A Perceptually Motivated Online Benchmark for Image Matting" (2009),
    over the whole picture.
    """
    apart = np.abs(alpha - truth, dtype=np.float64)
    steep = _steepness(alpha) - _steepness(truth)
    return {
        "sad": float(apart.sum() / 1e3),
        "mse": float(1e3 * (apart**2).mean()),
        "gradient": float((steep**2).sum(dtype=np.float64) / 1e3),
    }


def measure_composed(session: Session, modes: dict[str, Mode], composer: Composer) -> Any:
    """Mean errors by size of the photo, then by mode."""
    table: dict[str, dict[str, dict[str, float]]] = {}
    for size, (side, count) in SIZES.items():
        errors: dict[str, list[dict[str, float]]] = {name: [] for name in modes}
        for number in range(count):
            rng = np.random.default_rng((SEED, number))
            photo, _, truth = composer.compose(side, rng)
            seen = look(session, recolour(photo, rng))
            for name, mode in modes.items():
                errors[name].append(find_errors(mode(seen), truth / np.float32(255)))
        table[size] = {name: _means(each) for name, each in errors.items()}
    return table


def measure_real(session: Session, modes: dict[str, Mode], entries: list[Entry]) -> Any:
    """IoU and boundary IoU by source, and pooled as "all", then by mode."""
    overlaps: dict[str, dict[str, Overlap]] = {}
    for entry in entries:
        photo, truth = entry.read()
        seen = look(session, photo)
        for name, mode in modes.items():
            found = mode(seen) > THRESHOLD
            for source in (entry.source, "all"):
                overlaps.setdefault(source, {}).setdefault(name, Overlap()).add(found, truth)
    return {
        source: {
            name: {"iou": each.iou, "boundary_iou": each.boundary_iou}
            for name, each in overlaps[source].items()
        }
        for source in sorted(overlaps)
    }


def to_markdown(table: dict[str, Any]) -> str:
    """One line for each mode, one column for each size or source."""
    modes = next(iter(table.values()))
    lines = [f"| edges | {' | '.join(table)} |", "|---" * (1 + len(table)) + "|"]
    for mode in modes:
        cells = (" / ".join(f"{n:.4g}" for n in column[mode].values()) for column in table.values())
        lines.append(f"| {mode} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _none(seen: Seen) -> np.ndarray:
    height, width = seen.photo.shape[:2]
    return upsample(seen.probability, height, width, seen.align_corners)


def _soft(seen: Seen) -> np.ndarray:
    return soft_matte(_none(seen), THRESHOLD)


def _refined(refiner: Refiner, seen: Seen) -> np.ndarray:
    return refined_matte(
        seen.probability, seen.photo, seen.small, THRESHOLD, seen.align_corners, refiner
    )[0]


def _steepness(alpha: np.ndarray) -> np.ndarray:
    """Length of the gradient of the matte, smoothed by a Gaussian."""
    reach = np.arange(-4, 5)
    bell = np.exp(-(reach**2) / (2 * GRADIENT_SIGMA**2))
    slope = -reach * bell
    # Each filter of length one, as in the authors' code.
    bell, slope = bell / np.linalg.norm(bell), slope / np.linalg.norm(slope)
    across = cv2.sepFilter2D(alpha, cv2.CV_32F, slope, bell, borderType=cv2.BORDER_REPLICATE)
    down = cv2.sepFilter2D(alpha, cv2.CV_32F, bell, slope, borderType=cv2.BORDER_REPLICATE)
    return np.hypot(across, down)


def _means(errors: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([each[name] for each in errors])) for name in errors[0]}


def main(
    data: Annotated[
        Path,
        typer.Option(metavar="FOLDER", help="index.csv, photos/, masks/, mattes/: training.md."),
    ],
    model: Annotated[str, typer.Option(help="A model's name, or an .onnx file.")] = "default",
    refiner: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A refiner's .onnx file; else the embedded one."),
    ] = None,
    every: Annotated[int, typer.Option(help="Take every n-th real photo only.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print alpha's errors on composed photos, and the IoU on real ones, by mode of the edges."""
    try:
        if every < 1:
            raise OptionError(f"--every {every}: expected at least 1.")
        entries = read_index(data, "val")
        session = open_session(model, "cpu", usable_threads())
        modes = find_modes(open_refiner("cpu", session.threads, refiner))
        real = measure_real(session, modes, entries[::every])
        composed = measure_composed(session, modes, Composer(entries))
    except EngineError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    if as_json:
        print(json.dumps({"composed": composed, "real": real}, indent=2))
        return
    print("Composed photos: SAD (thousands) / MSE (thousandths) / gradient error (thousands)\n")
    print(to_markdown(composed))
    print("\nReal photos: IoU / boundary IoU\n")
    print(to_markdown(real))


if __name__ == "__main__":
    cli = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    cli.command()(main)
    cli(prog_name="python -m export.matte_benchmark")
