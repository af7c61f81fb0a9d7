"""From a model's name or path to its bytes and facts, checked against each other."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.errors import ModelError, did_you_mean
from engine.facts import (
    MAX_DESCRIPTION_BYTES,
    METADATA_KEY,
    FixedSize,
    InputRule,
    ModelFacts,
    facts_from_metadata,
    parse_description,
    to_facts,
)
from engine.known import NETWORKS, Known, find_file, find_known, recognise
from engine.versions import how_to_install

__all__ = [
    "EXPORTABLE",
    "METADATA_KEY",
    "PRECISIONS",
    "FixedSize",
    "InputRule",
    "ModelFacts",
    "cache_folder",
    "check_refiner",
    "facts_from_metadata",
    "find_model",
    "find_refiner",
    "list_models",
    "models_folder",
]

EXPORTABLE = (
    "deeplabv3_resnet101",
    "deeplabv3_resnet50",
    "deeplabv3_mobilenet_v3_large",
    "lraspp_mobilenet_v3_large",
    "deeplabv3_mobilenet_v2",
    "deeplabv3plus_mobilenet_v2",
)
PRECISIONS = ("f32", "f16", "int8")
MAX_MODEL_BYTES = (1 << 31) - 1
"""As long as a protobuf message, which an .onnx file is, may be."""


def find_model(model: str, cache: Path | None = None) -> tuple[bytes, ModelFacts | None]:
    """The bytes and facts of a model: a name of the manifest or the cache, or an .onnx file.

    Networks of others go by name, too, and are also found in rembg's folder (engine/known.py).
    The facts are None where they are neither known nor in a JSON beside the file; then the graph's
    own metadata has to carry them (`facts_from_metadata`).

    Raises
    ------
    ModelError
        The name is unknown, the file missing, or its SHA-256 is not the expected one.
    """
    entries = _read_manifest()
    name = entries["default"] if model == "default" else model
    if name in entries["models"]:
        facts = to_facts(name, entries["models"][name], f"manifest.json: {name}")
        return _read_checked(models_folder() / entries["models"][name]["file"], facts.sha256), facts
    known = find_known(name)
    folder = cache or cache_folder()
    path = find_file(known, folder) if known else folder / f"{name}.onnx"
    if not os.path.isfile(path) and not known:
        path = Path(name)
    if not os.path.isfile(path):
        found = "no regular file" if os.path.exists(path) else "no such name or file"
        how = known.how_to_get if known else _how_to_get(name, entries)
        raise ModelError(f"model {name!r}: {found}. {how}")
    if known:
        return _read_known(path, known)
    data = _read_checked(path, None)
    digest = hashlib.sha256(data).hexdigest()
    for embedded, entry in entries["models"].items():
        if entry["sha256"] == digest:
            return data, to_facts(embedded, entry, f"manifest.json: {embedded}")
    if of_others := recognise(data, digest):
        return data, of_others
    beside = path.with_suffix(".json")
    if not os.path.exists(beside):
        return data, None
    description = _read(beside, MAX_DESCRIPTION_BYTES)
    facts = to_facts(path.stem, parse_description(description, str(beside)), str(beside))
    if facts.sha256:
        _check_hash(data, facts.sha256, path)
    return data, facts


def _read_known(path: Path, known: Known) -> tuple[bytes, ModelFacts]:
    data = _read_checked(path, None)
    if not known.is_in(data):
        raise ModelError(
            f"{path}: {len(data):,} bytes that are not {known.name}, which has {known.size:,} and "
            f"{known.digest[:19]}…. Replace it, or describe it as docs/models.md says and give "
            "its path."
        )
    return data, replace(known.facts, sha256=hashlib.sha256(data).hexdigest())


def find_refiner(path: Path | None = None) -> tuple[bytes, str]:
    """The bytes of the refiner of edges, the embedded one or that of a file, and their SHA-256.

    Raises ModelError where the file is missing, or not the one that the manifest describes.
    """
    if path is None:
        entry = _read_manifest()["refiner"]
        return _read_checked(models_folder() / entry["file"], entry["sha256"]), entry["sha256"]
    data = _read_checked(path, None)
    return data, hashlib.sha256(data).hexdigest()


def check_refiner() -> dict[str, str]:
    """Of the embedded refiner, what `list_models` tells of models."""
    entry = _read_manifest()["refiner"]
    return _look_at("refiner of edges", models_folder() / entry["file"], str(entry["sha256"]))


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
    return parse_description(_read(path, MAX_DESCRIPTION_BYTES), str(path))


def _read_checked(path: Path, sha256: str | None) -> bytes:
    data = _read(path, MAX_MODEL_BYTES)
    if sha256 is not None:
        _check_hash(data, sha256, path)
    return data


def _read(path: Path, most: int) -> bytes:
    """All of a regular file: a pipe might never end, or keep its reader waiting forever."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ModelError(f"{path}: a folder, pipe or device, expected a regular file.")
        if status.st_size > most:
            raise ModelError(f"{path}: {status.st_size:,} bytes, expected at most {most:,}.")
        with path.open("rb") as file:
            return file.read(status.st_size)
    except OSError as error:
        raise ModelError(
            f"{path}: {error.strerror}.",
            option="model",
            advice="Install the package again, or give {} a path.",
        ) from error
    except MemoryError as error:
        raise ModelError(f"{path}: not enough memory to read it.") from error


def _check_hash(data: bytes, sha256: str, path: Path) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != sha256.lower():
        raise ModelError(
            f"{path}: SHA-256 is {found[:12]}…, its description says {sha256[:12]}…. The file is "
            "damaged or replaced: install the package again, or correct the description."
        )


def _how_to_get(model: str, entries: dict[str, Any]) -> str:
    """The export command that makes a model, or the known names."""
    network, _, precision = model.rpartition("_")
    if network not in EXPORTABLE or precision not in PRECISIONS:
        network, precision = model, "f32"
    if network not in EXPORTABLE:
        return did_you_mean(model, [*sorted({*entries["models"], *EXPORTABLE}), *NETWORKS])
    data = " --data FOLDER_OF_PHOTOS" if precision == "int8" else ""
    return (
        f"Make it once: python -m export {network} --precision {precision}{data} "
        f"(after {how_to_install('export')})."
    )
