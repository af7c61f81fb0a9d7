"""From a model's name or path to its bytes and facts."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

import engine
from engine import weights
from engine.cutout.refine import open_refiner
from engine.errors import ModelError, OptionError
from engine.versions import how_to_install
from engine.weights import (
    check_refiner,
    facts_from_metadata,
    find_model,
    find_refiner,
    list_models,
    models_folder,
)
from tests.tiny_model import FACTS, write_tiny_model

NETWORK = "deeplabv3plus_mobilenet_v2"


def test_the_default_is_embedded_and_described():
    data, facts = find_model("default")
    assert facts.name == f"{NETWORK}_int8"
    assert len(facts.classes) == 21
    assert facts.classes[15] == "person"
    entry = json.loads((models_folder() / "manifest.json").read_text())["models"][facts.name]
    assert entry["bytes"] == len(data)
    assert facts.licence
    assert facts.origin


def test_the_embedded_file_is_known_by_its_path_too():
    by_path = find_model(str(models_folder() / f"{NETWORK}.onnx"))[1]
    assert by_path == find_model(NETWORK)[1]


@pytest.fixture
def copied_models(tmp_path, monkeypatch):
    """A folder of models that may be spoilt."""
    for file in models_folder().iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(weights, "models_folder", lambda: tmp_path)
    return tmp_path


def test_a_changed_file_is_refused(copied_models):
    path = copied_models / f"{NETWORK}_int8.onnx"
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"SHA-256 is .*install the package again"):
        find_model("default")


def test_a_missing_or_changed_refiner_of_edges_is_told(copied_models):
    (copied_models / "edges.onnx").write_bytes(b"another")
    with pytest.raises(ModelError, match=r"edges\.onnx: SHA-256 is .*install the package again"):
        find_refiner()
    (copied_models / "edges.onnx").unlink()
    with pytest.raises(ModelError, match=r"edges\.onnx: No such file.*Install the package again"):
        find_refiner()
    assert "No such file" in check_refiner()["problem"]


def test_a_file_that_is_no_refiner_is_told_when_it_runs(tmp_path):
    refiner = open_refiner("cpu", 1, write_tiny_model(tmp_path / "net.onnx"))
    with pytest.raises(ModelError, match="refiner of edges failed"):
        refiner.find_planes(np.zeros((5, 5, 3), np.uint8), np.zeros((2, 2), np.float32))


def test_a_refiner_may_be_a_file_of_ones_own(tmp_path):
    path = tmp_path / "mine.onnx"
    with pytest.raises(ModelError, match=r"mine\.onnx: No such file"):
        open_refiner("cpu", 1, path)
    data, sha256 = find_refiner()
    path.write_bytes(data)
    assert open_refiner("cpu", 1, path).sha256 == sha256
    path.write_bytes(data[:1000])
    with pytest.raises(ModelError, match=r"mine\.onnx"):
        open_refiner("cpu", 1, path)


def test_a_missing_file_and_manifest_are_told(copied_models):
    (copied_models / f"{NETWORK}_int8.onnx").unlink()
    with pytest.raises(ModelError, match=r"No such file.*Install the package again"):
        find_model("default")
    (copied_models / "manifest.json").unlink()
    with pytest.raises(ModelError, match=r"manifest.json: No such file"):
        find_model("default")


@pytest.mark.parametrize(
    ("name", "hint"), [("deeplabv3_mobilenetv2", "Did you mean"), ("x", "Known: deeplabv3")]
)
def test_an_unknown_name_is_told(name, hint):
    with pytest.raises(ModelError, match=hint):
        find_model(name)


def test_a_json_beside_the_file_describes_it(tmp_path):
    path = write_tiny_model(tmp_path / "tiny.onnx", facts=None)
    assert find_model(str(path))[1] is None
    (tmp_path / "tiny.json").write_text(json.dumps(FACTS))
    facts = find_model(str(path))[1]
    assert facts.name == "tiny"
    assert facts.input.shorter_side == 64
    (tmp_path / "tiny.json").write_text(json.dumps(FACTS | {"sha256": "0" * 64}))
    with pytest.raises(ModelError, match="SHA-256"):
        find_model(str(path))


def describe(tmp_path, description):
    """A model with a description beside it; its path."""
    path = write_tiny_model(tmp_path / "tiny.onnx", facts=None)
    (tmp_path / "tiny.json").write_bytes(description)
    return path


RULE = FACTS["input"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"mean": [1, 2]}, r"mean is \[1, 2\], expected three numbers"),
        ({"mean": None}, "mean is None, expected three numbers"),
        ({"mean": 3}, "mean is 3, expected three numbers"),
        ({"mean": "abc"}, "mean is 'abc', expected three numbers"),
        ({"mean": [True, 0, 0]}, "mean is .*, expected three numbers"),
        ({"mean": ["0", 0, 0]}, "mean is .*, expected three numbers"),
        ({"mean": [float("nan"), 0, 0]}, "mean is .*nan.*, expected three numbers"),
        ({"mean": [0, 0, 1e39]}, "mean is .*, expected three numbers"),
        ({"mean": [0, 0, 10**400]}, "mean is .*, expected three numbers"),
        ({"std": [1, 0, 1]}, "std is .*, expected three numbers from 1e-06"),
        ({"std": [1, -1, 1]}, "std is .*, expected three numbers"),
        ({"std": [1, 1e-300, 1]}, "std is .*, expected three numbers"),
        ({"std": [1, float("inf"), 1]}, "std is .*, expected three numbers"),
        ({"channel_order": "GBR"}, "channel_order is 'GBR', expected RGB or BGR"),
        ({"channel_order": 3}, "channel_order is 3, expected text"),
        ({"classes": ["one"]}, "classes is .*, expected 2 to 256"),
        ({"classes": [f"c{index}" for index in range(257)]}, "classes is .*, expected 2 to 256"),
        ({"classes": "person"}, "classes is 'person', expected 2 to 256"),
        ({"classes": ["background", 3]}, "a class is 3, expected text"),
        ({"classes": ["background", None]}, "a class is None, expected text"),
        ({"classes": ["background", ""]}, "class '' is empty"),
        ({"classes": ["background", "dog", "cat", "Dog "]}, "class 'Dog ' is .*there twice"),
        ({"classes": ["background", "\x1b[31mred"]}, r"'\\x1b\[31mred', expected .*printable"),
        ({"classes": ["background", "two\nlines"]}, r"'two\\nlines', expected .*printable"),
        ({"classes": ["background", "\u202egod"]}, r"'\\u202egod', expected .*printable"),
        ({"classes": ["background", "\ud800"]}, r"'\\ud800', expected .*printable"),
        ({"classes": ["background", "x" * 101]}, r"xx\.\.\.xx.*, expected text of at most 100"),
        ({"input": {}}, "lacks 'shorter_side'"),
        ({"input": []}, r"input is \[\], expected an object"),
        ({"input": None}, "input is None, expected an object"),
        ({"input": RULE | {"plus": float("inf")}}, "plus is inf, expected a whole number"),
        ({"input": RULE | {"plus": -1}}, "plus is -1, expected a whole number from 0"),
        ({"input": RULE | {"multiple": 0}}, "multiple is 0, expected a whole number from 1"),
        ({"input": RULE | {"multiple": 10**12}}, "multiple is 1000000000000, expected"),
        ({"input": RULE | {"multiple": True}}, "multiple is True, expected"),
        ({"input": RULE | {"multiple": "16"}}, "multiple is '16', expected"),
        ({"input": RULE | {"shorter_side": 64.5}}, "shorter_side is 64.5, expected"),
        ({"input": RULE | {"longer_side_limit": 3}}, "longer_side_limit is below shorter_side"),
        ({"input": RULE | {"multiple": 4096, "plus": 4096}}, "8192 x 8192 pixels, expected"),
        (
            {"input": RULE | {"shorter_side": 4000, "longer_side_limit": 4000}},
            "4000 x 4000 pixels, expected at most 4096 per side and 8,388,608",
        ),
        ({"licence": ...}, "lacks 'licence'"),
        ({"origin": "x" * 1001}, "origin is .*, expected text of at most 1000"),
        ({"origin": "bell\a"}, "origin is .*, expected text"),
        ({"sha256": "optional; checked when it is there"}, "sha256 is .*, expected 64 hex"),
        ({"sha256": 3}, "sha256 is 3, expected text"),
        ({"largest": [-1, 32], "untouched": "b"}, "a side of largest is -1, expected"),
        ({"largest": [32, 10**9], "untouched": "b"}, "a side of largest is 1000000000, expected"),
        ({"largest": [32], "untouched": "b"}, r"largest is \[32\], expected a height"),
        ({"largest": 32, "untouched": "b"}, "largest is 32, expected a height"),
        ({"largest": [32.5, 32], "untouched": "b"}, "a side of largest is 32.5, expected"),
        ({"largest": [32, 32]}, "largest and untouched .*expected both"),
        ({"untouched": "b"}, "largest and untouched .*expected both"),
        ({"largest": [32, 32], "untouched": ["b"]}, "untouched is .*, expected text"),
        ({"align_corners": "yes"}, "align_corners is 'yes', expected true or false"),
    ],
)
def test_a_bad_description_is_told(tmp_path, change, reason):
    facts = {key: value for key, value in (FACTS | change).items() if value is not ...}
    path = describe(tmp_path, json.dumps(facts).encode())
    with pytest.raises(ModelError, match=reason) as caught:
        find_model(str(path))
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"3", b'{"name": "\xff"}', b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5000],
)
def test_a_description_that_is_no_object_is_told(tmp_path, text):
    with pytest.raises(ModelError, match=r"not a JSON object.*docs/models\.md"):
        find_model(str(describe(tmp_path, text)))


def test_numbers_beyond_all_floats_are_refused(tmp_path):
    text = json.dumps(FACTS).replace('"std": [1.0', '"std": [1e400')
    with pytest.raises(ModelError, match=r"std is \[inf, .*expected"):
        find_model(str(describe(tmp_path, text.encode())))


def test_a_description_of_gigabytes_is_refused_unread(tmp_path):
    path = describe(tmp_path, b"{")
    os.truncate(tmp_path / "tiny.json", 1 << 33)
    with pytest.raises(ModelError, match=r"tiny\.json: 8,589,934,592 bytes, expected at most"):
        find_model(str(path))


def test_a_description_in_a_graph_has_the_same_limits():
    text = json.dumps(FACTS | {"more": "x" * (1 << 20)})
    with pytest.raises(ModelError, match="expected 1,048,576 at most"):
        facts_from_metadata({"cartoonify": text}, "tiny.onnx")
    with pytest.raises(ModelError, match="nested too deeply"):
        facts_from_metadata({"cartoonify": "[" * 100_000}, "tiny.onnx")


def test_a_model_above_the_limit_of_its_format_is_refused_unread(tmp_path):
    path = tmp_path / "large.onnx"
    path.touch()
    os.truncate(path, 1 << 31)
    with pytest.raises(ModelError, match=r"2,147,483,648 bytes, expected at most 2,147,483,647"):
        find_model(str(path))


def make_fifo(path):
    os.mkfifo(path)


def make_device(path):
    path.symlink_to("/dev/zero")


def make_folder(path):
    path.mkdir()


ODD_FILES = [make_fifo, make_device, make_folder]


@pytest.mark.parametrize("make", ODD_FILES)
def test_a_model_that_is_no_regular_file_is_refused(tmp_path, make):
    make(tmp_path / "odd.onnx")
    with pytest.raises(ModelError, match="no regular file"):
        find_model(str(tmp_path / "odd.onnx"))
    (found,) = [model for model in list_models(tmp_path) if model["name"] == "odd"]
    assert "expected a regular file" in found["problem"]


@pytest.mark.parametrize("make", ODD_FILES)
def test_a_description_that_is_no_regular_file_is_refused(tmp_path, make):
    path = write_tiny_model(tmp_path / "tiny.onnx")
    make(tmp_path / "tiny.json")
    with pytest.raises(ModelError, match=r"tiny\.json: .*expected a regular file"):
        find_model(str(path))


@pytest.mark.parametrize("model", [None, 3, b"default", ["default"], True])
def test_what_is_no_name_is_an_option_error(model):
    with pytest.raises(OptionError, match=r"model is .*expected a name or a path"):
        engine.load(model)
    if model is not None:
        with pytest.raises(OptionError, match=r"models is .*expected a name or a path"):
            engine.load(models=model)


@pytest.mark.parametrize("name", ["a\0b", "", "\ud800", "x" * 5000, "\x1b[31m"])
def test_odd_names_of_models_are_told(tmp_path, name):
    with pytest.raises(ModelError, match=r"no such name|no regular file") as caught:
        find_model(name)
    assert str(caught.value).isprintable()
    with pytest.raises(ModelError, match="no such name"):
        find_model("x", Path(name))


def test_the_command_that_exports_a_model_can_be_copied():
    with pytest.raises(ModelError) as caught:
        find_model("deeplabv3_resnet101_int8")
    assert "python -m export deeplabv3_resnet101 --precision int8 --data" in str(caught.value)
    assert how_to_install("export") in str(caught.value)
