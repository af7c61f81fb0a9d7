"""What docs/models.md and docs/edge.md tell to type works as it stands."""

import importlib.util
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import typer

import engine
from engine.weights import EXPORTABLE, PRECISIONS, find_model, models_folder
from tests.tiny_model import write_tiny_model

DOCS = Path(__file__).parent.parent / "docs"


def blocks(language, page="models.md"):
    return re.findall(rf"^```{language}\n(.*?)^```", (DOCS / page).read_text(), re.M | re.S)


@pytest.mark.parametrize("text", blocks("json"))
def test_a_description_works_beside_a_model_and_in_it(tmp_path, monkeypatch, text):
    path = write_tiny_model(tmp_path / "net.onnx", None, len(json.loads(text)["classes"]))
    (tmp_path / "net.json").write_text(text)
    photo = np.zeros((60, 80, 3), np.uint8)
    beside = engine.load(path, "cpu")
    assert beside(photo).cartoon.shape == photo.shape
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python")
    exec(code, {})
    (tmp_path / "net.json").unlink()
    assert find_model(str(path))[1] is None
    assert engine.load(path, "cpu").model == beside.model


def test_there_is_a_description_to_copy():
    assert blocks("json")


COMMANDS = [
    line.split("#")[0]
    for page in ("models.md", "edge.md")
    for block in blocks("", page)
    for line in block.splitlines()
    if line.startswith("python -m ")
]


@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_a_command_is_understood(command):
    _, _, module, *arguments = shlex.split(command)
    assert importlib.util.find_spec(module)
    if module == "export":
        main = importlib.import_module("export.__main__").main
        app = typer.Typer(add_completion=False)
        app.command()(main)
        asked = typer.main.get_command(app).make_context(module, arguments).params
        assert asked["network"] in {"list", *EXPORTABLE}
        assert asked["precision"] in PRECISIONS
        assert asked["graph"] in ("logits", "mask")


def test_the_table_has_the_models_and_their_sizes():
    table = dict(
        re.findall(r"^\| `(\w+)` \(.*?\| ([\d.]+) MB", (DOCS / "models.md").read_text(), re.M)
    )
    entries = json.loads((models_folder() / "manifest.json").read_text())["models"]
    assert set(table) == {*entries, *EXPORTABLE}
    for name, entry in entries.items():
        assert float(table[name]) == round(entry["bytes"] / 1e6, 1)
