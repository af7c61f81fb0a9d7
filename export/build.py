"""One export, from the network's name to the files that the engine finds."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
import onnx

from engine.cutout.classic import VOC_CLASSES
from engine.errors import OptionError, OutputError
from engine.segment.labels import find_probability
from engine.threads import usable_threads
from engine.weights import ModelFacts, facts_from_metadata, models_folder
from export.checkpoint import load_weights, read_ranges
from export.graphs.aspp import specialise
from export.graphs.half import compute_in_f16, store_as_f16
from export.graphs.mask import to_mask_graph
from export.graphs.quantise import (
    CALIBRATION_PHOTOS,
    RANKED_PHOTOS,
    calibrate,
    parts_of,
    quantise,
    rank_parts,
)
from export.graphs.to_onnx import describe, to_logits_graph
from export.network import find_recipe
from export.photos import PERSON, find_samples, read_tensors
from export.precision import Figures, measure
from export.verify import RTOL, SIZES, to_table, verify

FIGURE_PHOTOS = 200
# A part that alone changes the probability of a person by this many times more than the median
# part does stays in float.
SENSITIVE = 4.0
KEPT_CLASS = "person"


@dataclass(frozen=True)
class Order:
    """What is to be exported, and how."""

    network: str
    weights: str = "default"
    precision: str = "f32"
    """f32, f16 or int8."""
    graph: str = "logits"
    """logits, for the engine, or mask, self-contained."""
    data: Path | None = None
    """Photos for int8's calibration and for figures."""
    largest: tuple[int, int] | None = None
    """Height and width: a smaller graph, NAME_small, that is exact up to this input."""
    force: bool = False
    """Replace files that exist."""


def export(order: Order, folder: Path, say: Callable[[str], None]) -> list[Path]:
    """Writes the .onnx files of an order, each with its facts (.json) and card (.md).

    Nothing is written unless all proofs hold. `say` gets a line for each step.

    Raises
    ------
    OptionError, ModelError, OutputError
    """
    if order.precision == "int8" and order.data is None:
        raise OptionError("int8 is calibrated on real photos; give --data FOLDER.")
    if order.largest and order.graph == "mask":
        raise OptionError("--largest is for logits graphs; a mask graph takes any photo.")
    names = _names(order)
    for name in names:
        if (folder / f"{name}.onnx").exists() and not order.force:
            raise OutputError(
                f"{folder / name}.onnx: exists already, and is kept. --force replaces it."
            )
    recipe = find_recipe(order.network)
    network = recipe.build()
    digest = load_weights(network, recipe, order.weights)
    say(f"{order.network}: weights {order.weights}, SHA-256 {digest[:12]}…")
    logits = to_logits_graph(network)
    sizes = None
    if order.largest:
        logits = specialise(logits, order.largest)
        sizes = _corners(*order.largest)
    proofs = verify(network, logits.SerializeToString(), sizes)
    error = max(proof.relative_error for proof in proofs)
    say(f"{to_table(proofs)}equals torch within {error:.1e} of the largest logit, allowed {RTOL:g}")
    facts = recipe.facts | {
        "channel_order": "RGB",
        "classes": list(VOC_CLASSES),
        "weights": {"from": order.weights, "sha256": digest},
        "precision": order.precision,
    }
    known = facts_from_metadata({"cartoonify": json.dumps(facts)}, order.network)
    report = f"## Proof against torch\n\n{_PROOF_TEXT}\n{to_table(proofs)}"
    written = []
    if order.largest:
        facts |= {"largest": list(order.largest), "untouched": _untouched(order)}
    for name, model in zip(names, _in_precision(order, logits, known, say), strict=True):
        card, figures = report, None
        if order.precision != "f32":
            figures = _measure(order, logits, model, known)
            table = (
                figures.to_table() if figures else "Not measured: no photos were given (--data).\n"
            )
            card += f"\n## {order.precision} beside float32\n\n{table}"
            say(table)
        if order.graph == "mask":
            model = to_mask_graph(model, known, KEPT_CLASS)
        described = facts | ({"figures": figures.summary} if figures else {})
        describe(model, described)
        onnx.checker.check_model(model)
        written.append(_write(model, described, _card(order.network, name, card), folder / name))
        say(f"written: {written[-1]}, {written[-1].stat().st_size / 1e6:.1f} MB")
    return written


_PROOF_TEXT = (
    "For each size the optimised session, then the plain one; "
    f"the exporter saw none of the {len(SIZES)} sizes.\n"
)


def _untouched(order: Order) -> str:
    return _names(replace(order, largest=None))[0]


def _names(order: Order) -> list[str]:
    stem = order.network + ("_mask" if order.graph == "mask" else "")
    stem += "_small" if order.largest else ""
    if order.precision == "f16":
        return [f"{stem}_f16", f"{stem}_f16_cuda"]
    return [stem if order.precision == "f32" else f"{stem}_{order.precision}"]


def _in_precision(
    order: Order, logits: onnx.ModelProto, facts: ModelFacts, say: Callable[[str], None]
) -> list[onnx.ModelProto]:
    if order.precision == "f16":
        return [store_as_f16(logits), compute_in_f16(logits)]
    if order.precision == "int8":
        return [_quantise(order, logits, facts, say)]
    return [logits]


def _quantise(
    order: Order, logits: onnx.ModelProto, facts: ModelFacts, say: Callable[[str], None]
) -> onnx.ModelProto:
    assert order.data is not None
    trained = read_ranges(order.weights, order.network)
    tensors = read_tensors(find_samples(order.data, "train", CALIBRATION_PHOTOS), facts)
    say(f"calibrating on {len(tensors)} photos of {order.data}")
    ranges = calibrate(logits, tensors)
    if trained:
        # Each version of torch's exporter names tensors in its own way.
        fits = trained.keys() == ranges.keys()
        whose = "that they were trained with" if fits else "just found, because names are others"
        say(f"weights trained for int8: all in int8, with the ranges {whose}")
        return quantise(logits, trained if fits else ranges)

    def probability(cells: np.ndarray) -> np.ndarray:
        return find_probability(cells, np.array([PERSON]))

    ranking = rank_parts(logits, ranges, tensors[:RANKED_PHOTOS], probability)
    limit = SENSITIVE * median(change for _, change in ranking)
    for part, change in ranking:
        place = "float" if change > limit else "int8"
        say(f"  {part}: changes probability by {change:.5f} -> {place}")
    in_int8 = {part for part, change in ranking if change <= limit}
    nodes = [name for part, names in parts_of(logits).items() if part in in_int8 for name in names]
    return quantise(logits, ranges, nodes)


def _measure(
    order: Order, logits: onnx.ModelProto, model: onnx.ModelProto, facts: ModelFacts
) -> Figures | None:
    if order.data is None:
        return None
    samples = find_samples(order.data, "val", FIGURE_PHOTOS)
    graphs = (logits.SerializeToString(), model.SerializeToString())
    return measure(*graphs, samples, facts, usable_threads())


def _corners(height: int, width: int) -> list[tuple[int, int]]:
    """Four sizes up to a limit."""
    return [(height, width), (height, max(33, width // 2)), (max(33, height // 3), width), (33, 33)]


def _card(network: str, name: str, report: str) -> str:
    """The network's card, with what this export measured."""
    written = models_folder() / f"{network}.md"
    card = written.read_text(encoding="utf-8") if written.is_file() else f"# {network}\n"
    return f"{card.rstrip()}\n\n# This export: {name}\n\n{report}"


def _write(model: onnx.ModelProto, facts: dict[str, object], card: str, stem: Path) -> Path:
    """Three files, each whole or not at all; the model last, because it is what is looked for."""
    data = model.SerializeToString()
    described = facts | {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    texts = {".md": card.encode(), ".json": (json.dumps(described, indent=2) + "\n").encode()}
    paths = {suffix: stem.with_name(stem.name + suffix) for suffix in (".md", ".json", ".onnx")}
    try:
        stem.parent.mkdir(parents=True, exist_ok=True)
        for suffix, path in paths.items():
            temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
            try:
                temporary.write_bytes(texts.get(suffix, data))
                os.replace(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{stem}: cannot be written: {error.strerror}.") from error
    return paths[".onnx"]
