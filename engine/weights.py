"""From a model's name or path to its bytes and facts, checked against each other."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import ModelError, did_you_mean

METADATA_KEY = "cartoonify"
EXPORTABLE = (
    "deeplabv3_resnet101",
    "deeplabv3_resnet50",
    "deeplabv3_mobilenet_v3_large",
    "lraspp_mobilenet_v3_large",
    "deeplabv3_mobilenet_v2",
    "deeplabv3plus_mobilenet_v2",
)
PRECISIONS = ("f32", "f16", "int8")


@dataclass(frozen=True)
class InputRule:
    """How large the network's input is for a photo; both sides are `multiple` * k + `plus`."""

    shorter_side: int
    """Pixels, before rounding."""
    multiple: int
    """A coarse multiple keeps the number of different shapes small."""
    plus: int
    longer_side_limit: int
    """Pixels; a longer photo is shrunk to it."""


@dataclass(frozen=True)
class ModelFacts:
    """What the engine has to know of a model besides its graph."""

    name: str
    input: InputRule
    mean: tuple[float, ...]
    """Three numbers, subtracted from the photo in 0..1, in the order of its channels."""
    std: tuple[float, ...]
    channel_order: str
    """RGB or BGR."""
    classes: tuple[str, ...]
    """In the order of the logits; the first is the background."""
    licence: str
    origin: str
    sha256: str
    largest: tuple[int, int] | None = None
    """Height and width of the largest input of a graph that is exact up to there only."""
    untouched: str = ""
    """The model to take beyond `largest`."""
    align_corners: bool = False
    """The corners of the logits lie on those of the photo; else both are areas of equal parts."""


def find_model(model: str, cache: Path | None = None) -> tuple[bytes, ModelFacts | None]:
    """The bytes and facts of a model: a name of the manifest or the cache, or an .onnx file.

    The facts are None where they are neither in the manifest nor in a JSON beside the file;
    then the graph's own metadata has to carry them (`facts_from_metadata`).

    Raises
    ------
    ModelError
        The name is unknown, the file missing, or its SHA-256 is not the one that was promised.
    """
    entries = _read_manifest()
    name = entries["default"] if model == "default" else model
    if name in entries["models"]:
        facts = _to_facts(name, entries["models"][name], f"manifest.json: {name}")
        return _read_checked(models_folder() / entries["models"][name]["file"], facts.sha256), facts
    path = Path(model)
    if os.path.isfile((cache or cache_folder()) / f"{name}.onnx"):
        path = (cache or cache_folder()) / f"{name}.onnx"
    if not os.path.isfile(path):
        raise ModelError(f"model {model!r}: no such name or file. {_how_to_get(model, entries)}")
    data = _read_checked(path, None)
    digest = hashlib.sha256(data).hexdigest()
    for known, entry in entries["models"].items():
        if entry["sha256"] == digest:
            return data, _to_facts(known, entry, f"manifest.json: {known}")
    beside = path.with_suffix(".json")
    if beside.is_file():
        facts = _to_facts(path.stem, _parse(beside.read_bytes(), str(beside)), str(beside))
        if facts.sha256:
            _check_hash(data, facts.sha256, path)
        return data, facts
    return data, None


def list_models(cache: Path | None = None) -> Iterator[dict[str, str]]:
    """Name, path, SHA-256 and problem (empty if none) of the embedded and the exported models."""
    for name, entry in _read_manifest()["models"].items():
        path = models_folder() / entry["file"]
        yield _look_at(name, path, str(entry["sha256"]))
    for path in sorted((cache or cache_folder()).glob("*.onnx")):
        yield _look_at(path.stem, path, None)


def _look_at(name: str, path: Path, sha256: str | None) -> dict[str, str]:
    try:
        digest, problem = hashlib.sha256(_read_checked(path, sha256)).hexdigest(), ""
    except ModelError as error:
        digest, problem = "", str(error)
    return {"name": name, "path": str(path), "sha256": digest, "problem": problem}


def facts_from_metadata(metadata: dict[str, str], path: str) -> ModelFacts:
    """The facts that a graph carries in its metadata_props, as JSON under "cartoonify"."""
    if METADATA_KEY not in metadata:
        raise ModelError(
            f"{path}: nothing describes this model. Wanted: a JSON beside it, or in its "
            f"metadata_props under {METADATA_KEY!r}, with the facts listed in docs/models.md."
        )
    return _to_facts(Path(path).stem, _parse(metadata[METADATA_KEY], path), path)


def cache_folder() -> Path:
    """The folder of exported models: $CARTOONIFY_MODELS, else in the user's cache."""
    from platformdirs import user_cache_path

    return Path(os.environ.get("CARTOONIFY_MODELS") or user_cache_path("cartoonify") / "models")


def models_folder() -> Path:
    """The folder of the embedded models: in the installed package, else in the source tree."""
    installed = Path(__file__).parent / "models"
    return installed if installed.is_dir() else Path(__file__).parent.parent / "models"


def _read_manifest() -> dict[str, Any]:
    path = models_folder() / "manifest.json"
    try:
        return _parse(path.read_bytes(), str(path))
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}. Install the package again.") from error


def _parse(text: str | bytes, where: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ModelError(f"{where}: the model's description is no JSON: {error}.") from error
    if not isinstance(value, dict):
        raise ModelError(f"{where}: the model's description is no JSON object.")
    return value


def _to_facts(name: str, entry: dict[str, Any], where: str) -> ModelFacts:
    try:
        rule = InputRule(
            **{key: int(entry["input"][key]) for key in InputRule.__dataclass_fields__}
        )
        facts = ModelFacts(
            name=name,
            input=rule,
            mean=tuple(map(float, entry["mean"])),
            std=tuple(map(float, entry["std"])),
            channel_order=str(entry["channel_order"]).upper(),
            classes=tuple(map(str, entry["classes"])),
            licence=str(entry["licence"]),
            origin=str(entry["origin"]),
            sha256=str(entry.get("sha256", "")),
            largest=_to_size(entry.get("largest")),
            untouched=str(entry.get("untouched", "")),
            align_corners=entry.get("align_corners", False) is True,
        )
    except KeyError as error:
        raise ModelError(f"{where}: the model's description lacks {error}.") from error
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ModelError(f"{where}: the model's description is malformed: {error}.") from error
    problem = _find_problem(facts)
    if problem:
        raise ModelError(f"{where}: {problem}.")
    return facts


def _to_size(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    height, width = value
    return int(height), int(width)


def _find_problem(facts: ModelFacts) -> str:
    rule = facts.input
    if min(rule.shorter_side, rule.multiple) < 1 or rule.plus < 0:
        return "input: shorter_side and multiple are at least 1, plus at least 0"
    if rule.longer_side_limit < rule.shorter_side:
        return "input: longer_side_limit is below shorter_side"
    if len(facts.mean) != 3 or len(facts.std) != 3 or min(facts.std) <= 0:
        return "mean and std are three numbers each, std above 0"
    if facts.channel_order not in ("RGB", "BGR"):
        return f"channel_order is {facts.channel_order}, wanted RGB or BGR"
    if not 2 <= len(facts.classes) <= 256:
        return f"{len(facts.classes)} classes, wanted 2 to 256"
    return ""


def _read_checked(path: Path, sha256: str | None) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"{path}: {error.strerror}.",
            option="model",
            advice="Install the package again, or give {} a path.",
        ) from error
    if sha256 is not None:
        _check_hash(data, sha256, path)
    return data


def _check_hash(data: bytes, sha256: str, path: Path) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != sha256.lower():
        raise ModelError(
            f"{path}: SHA-256 is {found[:12]}…, its description says {sha256[:12]}…. The file is "
            "damaged or replaced: install the package again, or correct the description."
        )


def _how_to_get(model: str, entries: dict[str, Any]) -> str:
    """The export command that makes a model, or the names that there are."""
    network, _, precision = model.rpartition("_")
    if network not in EXPORTABLE or precision not in PRECISIONS:
        network, precision = model, "f32"
    if network not in EXPORTABLE:
        return did_you_mean(model, sorted({*entries["models"], *EXPORTABLE}))
    data = " --data FOLDER_OF_PHOTOS" if precision == "int8" else ""
    return (
        f"Make it once: python -m export {network} --precision {precision}{data} "
        "(needs pip install 'cartoonify-engine[export]')."
    )
