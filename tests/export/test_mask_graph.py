"""The self-contained graph against the engine, in Python and in JavaScript."""

import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from PIL import Image

import engine
from export.graphs.mask import to_mask_graph

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def mask_model(small_graph, facts, tmp_path_factory):
    path = tmp_path_factory.mktemp("mask") / "mask.onnx"
    onnx.save(to_mask_graph(small_graph, facts, "person"), path)
    return path


@pytest.fixture(scope="module")
def app(small_graph, tmp_path_factory):
    """The engine on the same logits graph."""
    import json

    from engine.weights import models_folder

    path = tmp_path_factory.mktemp("logits") / "logits.onnx"
    onnx.save(small_graph, path)
    manifest = json.loads((models_folder() / "manifest.json").read_text())
    described = manifest["models"]["deeplabv3plus_mobilenet_v2"] | {"sha256": ""}
    path.with_suffix(".json").write_text(json.dumps(described))
    return engine.load(path, provider="cpu")


@pytest.mark.parametrize(
    "size", [(512, 512), (300, 401), (401, 300), (1, 1), (2, 3), (1, 90), (93, 701), (1200, 900)]
)
@pytest.mark.filterwarnings("ignore")
def test_alpha_and_labels_are_the_engines(mask_model, app, astronaut, size):
    photo = cv2.resize(astronaut, size[::-1], interpolation=cv2.INTER_AREA)
    session = ort.InferenceSession(mask_model, providers=["CPUExecutionProvider"])
    alpha, labels = session.run(["alpha", "labels"], {"image": photo[None]})
    result = app(photo)
    assert alpha.dtype == labels.dtype == np.uint8
    assert alpha.shape == (1, *size)
    difference = np.abs(alpha[0].astype(int) - np.rint(result.alpha * 255).astype(int))
    assert difference.max() <= 1
    assert (labels == result.logits.argmax(axis=1)).all()


def test_it_is_made_of_standard_operators_only(mask_model):
    model = onnx.load(mask_model)
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 18)]
    assert {node.domain for node in model.graph.node} == {""}


def test_javascript_gives_the_same_alpha(mask_model, app, astronaut, tmp_path):
    """docs/edge.md's example, where Node.js and the packages it needs are installed."""
    modules = ROOT / "examples" / "edge" / "node_modules"
    if shutil.which("node") is None or not (modules / "onnxruntime-web").is_dir():
        pytest.skip("needs node, and 'npm install' in examples/edge")
    Image.fromarray(astronaut).save(tmp_path / "photo.png")
    command = ["node", "mask.mjs", str(mask_model), str(tmp_path / "photo.png")]
    subprocess.run([*command, str(tmp_path / "out.png")], cwd=modules.parent, check=True)
    with Image.open(tmp_path / "out.png") as out:
        got = np.asarray(out.getchannel("A")).astype(int)
    assert np.abs(got - np.rint(app(astronaut).alpha * 255)).max() <= 1
