"""Fixtures: our own network in torch and as graphs, traced once for all tests."""

import copy

import pytest


@pytest.fixture(scope="session")
def small_network():
    """Our own network with the embedded weights, in torch."""
    pytest.importorskip("torch", reason="the export extra is not installed")
    pytest.importorskip("onnxscript", reason="the export extra is not installed")
    from export.checkpoint import load_weights
    from export.network import find_recipe

    recipe = find_recipe("deeplabv3plus_mobilenet_v2")
    network = recipe.build()
    load_weights(network, recipe, "default")
    return network.eval()


@pytest.fixture(scope="session")
def trace():
    """`to_logits_graph`, which takes most of an export's time, once for all tests of a network."""
    from export.checkpoint import _digest
    from export.graphs.to_onnx import to_logits_graph

    graphs = {}

    def trace_once(network):
        key = type(network), _digest(network)
        if key not in graphs:
            graphs[key] = to_logits_graph(network)
        return copy.deepcopy(graphs[key])

    return trace_once


@pytest.fixture(scope="session")
def small_graph(small_network, trace):
    """The same as a logits graph."""
    return trace(small_network)


@pytest.fixture(scope="session")
def facts():
    """Facts of the embedded model."""
    from engine.weights import find_model

    return find_model("default")[1]


@pytest.fixture(scope="session")
def mask_model(small_graph, facts, tmp_path_factory):
    """Path of the self-contained graph: pixels in, matte out."""
    import onnx

    from export.graphs.mask import to_mask_graph

    path = tmp_path_factory.mktemp("mask") / "mask.onnx"
    onnx.save(to_mask_graph(small_graph, facts, "person"), path)
    return path


@pytest.fixture(scope="session")
def mask_app(small_graph, tmp_path_factory):
    """The engine on the same logits graph."""
    import json

    import onnx

    import engine
    from engine.weights import models_folder

    path = tmp_path_factory.mktemp("logits") / "logits.onnx"
    onnx.save(small_graph, path)
    manifest = json.loads((models_folder() / "manifest.json").read_text())
    described = manifest["models"]["deeplabv3plus_mobilenet_v2"] | {"sha256": ""}
    path.with_suffix(".json").write_text(json.dumps(described))
    return engine.load(path, provider="cpu")
