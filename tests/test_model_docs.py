"""What docs/models.md says about models is so."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import engine
from engine.facts import FixedSize
from engine.known import NETWORKS
from engine.weights import EXPORTABLE, find_model, models_folder
from tests.tiny_model import write_tiny_matte, write_tiny_model

DOCS = Path(__file__).parent.parent / "docs"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", (DOCS / "models.md").read_text(), re.M | re.S)


@pytest.mark.parametrize("text", blocks("json"))
def test_a_description_works_beside_a_model_and_in_it(tmp_path, monkeypatch, text):
    facts, path = json.loads(text), tmp_path / "net.onnx"
    if "alpha" in facts:
        write_tiny_matte(path, None, facts["layout"], facts["input"].values())
    else:
        write_tiny_model(path, None, len(facts["classes"]))
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


def test_the_table_has_the_models_and_their_sizes():
    table = dict(
        re.findall(r"^\| `(\w+)` \(.*?\| ([\d.]+) MB", (DOCS / "models.md").read_text(), re.M)
    )
    entries = json.loads((models_folder() / "manifest.json").read_text())["models"]
    assert set(table) == {*entries, *EXPORTABLE}
    for name, entry in entries.items():
        assert float(table[name]) == round(entry["bytes"] / 1e6, 1)


def test_the_table_of_other_peoples_networks_is_what_is_known_of_them():
    text = (DOCS / "models.md").read_text()
    rows = re.findall(r"^\| `([\w-]+)` \| ([\d.]+) MB \| ([^|]+) \| ([^|]+) \|", text, re.M)
    assert {name for name, *_ in rows} == set(NETWORKS)
    for name, size, sides, licence in rows:
        known = NETWORKS[name]
        assert float(size) == round(known.size / 1e6, 1)
        assert licence.strip() == known.facts.licence
        if isinstance(known.facts.input, FixedSize):
            assert sides == f"{known.facts.input.height} x {known.facts.input.width}"
