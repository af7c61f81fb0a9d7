"""From a model's name or path to its bytes and facts."""

import json

import pytest

from engine import weights
from engine.errors import ModelError
from engine.weights import find_model, models_folder
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


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"mean": [1, 2]}, "mean and std"),
        ({"std": [1, 0, 1]}, "std above 0"),
        ({"mean": None}, "malformed"),
        ({"channel_order": "GBR"}, "RGB or BGR"),
        ({"classes": ["one"]}, "1 classes"),
        ({"input": {}}, "lacks 'shorter_side'"),
        ({"input": FACTS["input"] | {"plus": float("inf")}}, "malformed"),
        ({"input": FACTS["input"] | {"multiple": 0}}, "at least 1"),
        ({"input": FACTS["input"] | {"longer_side_limit": 3}}, "below shorter_side"),
        ({"licence": ...}, "lacks 'licence'"),
    ],
)
def test_a_bad_description_is_told(tmp_path, change, reason):
    facts = {key: value for key, value in (FACTS | change).items() if value is not ...}
    path = write_tiny_model(tmp_path / "tiny.onnx", facts=None)
    (tmp_path / "tiny.json").write_text(json.dumps(facts))
    with pytest.raises(ModelError, match=reason):
        find_model(str(path))


@pytest.mark.parametrize("text", [b"{", b"[]", b"3", b'{"name": "\xff"}'])
def test_a_description_that_is_no_object_is_told(tmp_path, text):
    path = write_tiny_model(tmp_path / "tiny.onnx", facts=None)
    (tmp_path / "tiny.json").write_bytes(text)
    with pytest.raises(ModelError, match="no JSON"):
        find_model(str(path))
