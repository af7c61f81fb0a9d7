"""The embedded graph is the torch network of export/network.py with the same weights."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.testing import assert_allclose
from onnx import numpy_helper

from engine.segment.session import open_session
from engine.weights import models_folder

torch = pytest.importorskip("torch", reason="the export extra is not installed")
pytestmark = pytest.mark.torch

SIZES = [(385, 513), (450, 600), (97, 331), (641, 225)]
CHECKPOINT = Path(__file__).parents[2] / "shared" / "models" / "deeplabv3_mobilenet_v2.safetensors"
# Sums of up to 2,880 float32 products in another order; logits reach 20.
ATOL = 1e-4


@pytest.fixture(scope="module")
def session():
    return open_session("default", "cpu", 2)


@pytest.fixture(scope="module")
def network():
    from export.network import deeplabv3_mobilenet_v2

    return deeplabv3_mobilenet_v2().eval()


def with_weights_of_the_graph(network):
    """The torch network, its batch norms folded, with each convolution's weights in the graph."""
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    from export.network import LogitsOnly

    graph = onnx.load(models_folder() / "deeplabv3_mobilenet_v2.onnx").graph
    tensors = {t.name: torch.tensor(numpy_helper.to_array(t)) for t in graph.initializer}
    weights = [[tensors[name] for name in n.input[1:]] for n in graph.node if n.op_type == "Conv"]
    for parent in list(network.modules()):
        convolution = None
        for name, child in list(parent.named_children()):
            if isinstance(child, torch.nn.Conv2d):
                convolution = name
            elif isinstance(child, torch.nn.BatchNorm2d) and convolution is not None:
                fused = fuse_conv_bn_eval(getattr(parent, convolution), child)
                setattr(parent, convolution, fused)
                setattr(parent, name, torch.nn.Identity())
    order = []
    hooks = [
        module.register_forward_hook(lambda module, *_: order.append(module))
        for module in network.modules()
        if isinstance(module, torch.nn.Conv2d)
    ]
    logits_only = LogitsOnly(network).eval()
    with torch.no_grad():
        logits_only(torch.zeros(1, 3, 65, 65))
        for hook in hooks:
            hook.remove()
        for module, (weight, bias) in zip(order, weights, strict=True):
            module.weight.copy_(weight)
            module.bias.copy_(bias)
    return logits_only


def assert_same_logits(network, session, size):
    tensor = np.random.default_rng(size[0]).uniform(-1, 1, (1, 3, *size)).astype(np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(tensor)).numpy()
    got = session.run(tensor)
    assert_allclose(got, expected, atol=ATOL, rtol=0)
    # Labels may differ only where the two best logits are closer than the tolerance.
    differs = got.argmax(axis=1) != expected.argmax(axis=1)
    best = np.sort(expected, axis=1)
    assert (best[:, -1] - best[:, -2])[differs].max(initial=0) <= 2 * ATOL


@pytest.mark.parametrize("size", SIZES)
def test_graph_equals_torch_with_the_graphs_weights(session, size):
    from export.network import deeplabv3_mobilenet_v2

    assert_same_logits(with_weights_of_the_graph(deeplabv3_mobilenet_v2().eval()), session, size)


@pytest.mark.parametrize("size", SIZES)
def test_graph_equals_torch_with_the_checkpoint(network, session, size):
    if not CHECKPOINT.is_file():
        pytest.skip("the checkpoint that the graph was exported from is not at hand")
    from safetensors.torch import load_file

    from export.network import LogitsOnly

    network.load_state_dict(load_file(CHECKPOINT))
    assert_same_logits(LogitsOnly(network).eval(), session, size)


def test_the_network_is_as_small_as_promised(network):
    assert sum(p.numel() for p in network.parameters()) == 2_568_021
