"""Which models there are: embedded, exported, exportable, and those of others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from engine.known import NETWORKS, find_file
from engine.weights import EXPORTABLE, models_folder


def print_models(cache: Path) -> None:
    """A table on stdout: name, state, size, classes, licence, figures, card."""
    table = Table("model", "state", "MB", "classes", "licence", "figures", "card")
    manifest = json.loads((models_folder() / "manifest.json").read_text(encoding="utf-8"))
    for name, entry in manifest["models"].items():
        card = models_folder() / f"{name.removesuffix('_int8')}.md"
        _add(table, name, "embedded", entry, card)
    files = sorted(cache.glob("*.onnx")) if cache.is_dir() else []
    exported = [path for path in files if path.stem not in NETWORKS]
    for path in exported:
        facts = path.with_suffix(".json")
        entry = json.loads(facts.read_text(encoding="utf-8")) if facts.is_file() else {}
        _add(table, path.stem, "exported", entry, path.with_suffix(".md"))
    have = {*manifest["models"], *(path.stem for path in exported)}
    for name in EXPORTABLE:
        if name not in have:
            _add(table, name, "exportable", {}, models_folder() / f"{name}.md")
    for name, known in NETWORKS.items():
        missing = "fetchable" if known.url else "of others"
        state = "found" if find_file(known, cache).is_file() else missing
        told = known.facts
        entry = {"bytes": known.size, "classes": told.classes, "licence": told.licence}
        _add(table, name, state, entry, Path())
    console = Console()
    if not console.is_terminal:
        console.width = 200  # a file or pipe has no edge to cut names at
    console.print(table)
    console.print(f"exported models are in {cache}", soft_wrap=True, highlight=False)


def _add(table: Table, name: str, state: str, entry: dict[str, Any], card: Path) -> None:
    size = f"{entry['bytes'] / 1e6:.1f}" if "bytes" in entry else ""
    classes = str(len(entry["classes"])) if "classes" in entry else ""
    licence = str(entry.get("licence", "")).split(";")[0]
    figures = str(entry.get("figures", ""))
    table.add_row(name, state, size, classes, licence, figures, card.name if card.is_file() else "")
