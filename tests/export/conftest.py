"""The networks, traced once for all tests."""

import copy

import pytest

torch = pytest.importorskip("torch", reason="the export extra is not installed")
pytest.importorskip("onnxscript", reason="the export extra is not installed")
# Several of torch's threads wait by spinning, which takes most of the time on a busy machine.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def small_network():
    """Our own network with the embedded weights, in torch."""
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
def photos(tmp_path_factory, astronaut):
    """A folder of ten photos: crops of one portrait."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("photos")
    for i in range(10):
        crop = astronaut[8 * i : 8 * i + 300, 12 * i : 12 * i + 380]
        Image.fromarray(crop).save(folder / f"{i}.png")
    return folder
