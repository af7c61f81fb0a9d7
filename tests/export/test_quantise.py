"""int8: the graph rounds as training does, as a whole, and nothing is left in float."""

import copy
import json
from collections import Counter

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.testing import assert_allclose, assert_array_equal

torch = pytest.importorskip("torch", reason="the export extra is not installed")
pytestmark = pytest.mark.torch

from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from torch import nn  # noqa: E402

from engine.errors import ModelError  # noqa: E402
from export.checkpoint import RANGES_KEY, read_ranges  # noqa: E402
from export.graphs import quantise as module  # noqa: E402
from export.graphs.quantise import calibrate, quantise, ranges_by_module  # noqa: E402
from export.network import LogitsOnly  # noqa: E402
from export.training.faster import speed_up  # noqa: E402
from export.training.quantised import round_activations, round_weights  # noqa: E402

LIMITS = {"input": (-1.0, 1.0), "sum": (-2.5, 4.0)}


def run(model, tensor):
    return ort.InferenceSession(model.SerializeToString()).run(None, {"input": tensor})[0]


def one_convolution(conv, out="sum"):
    """A graph of one convolution of three channels, as the exporter would write it."""
    weight = numpy_helper.from_array(conv.weight.detach().numpy(), "weight")
    bias = numpy_helper.from_array(conv.bias.detach().numpy(), "bias")
    node = helper.make_node("Conv", ["input", "weight", "bias"], [out], "conv", pads=[1] * 4)
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, "h", "w"])
        for name, channels in (("input", 3), (out, conv.out_channels))
    ]
    graph = helper.make_graph([node], "one", values[:1], values[1:], [weight, bias])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


@pytest.fixture
def conv():
    torch.manual_seed(4)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1))


@pytest.fixture
def noise():
    """Two photo-like tensors."""
    rng = np.random.default_rng(5)
    return [rng.uniform(-1, 1, (1, 3, 97, 129)).astype(np.float32) for _ in range(2)]


@pytest.fixture(scope="module")
def ranges(small_graph):
    rng = np.random.default_rng(6)
    tensors = [rng.uniform(-1, 1, (1, 3, 97, 129)).astype(np.float32) for _ in range(2)]
    return calibrate(small_graph, tensors)


def test_training_rounds_as_onnxruntime_does(conv, noise):
    expected = run(quantise(one_convolution(conv[0]), LIMITS), noise[0])
    speed_up(conv, int8=True)
    round_activations(conv, {"0": LIMITS["sum"]})
    levels = np.float32(2 / 255)
    photo = torch.from_numpy((noise[0] / levels).round() * levels)
    with torch.no_grad():
        got = conv(photo).numpy()
    step = 6.5 / 255
    assert_allclose(got, expected, atol=1.01 * step)
    assert (np.abs(got - expected) < step / 2).mean() > 0.99
    assert len(np.unique(got)) > 100


def test_weights_are_rounded_to_64_steps_on_both_sides_of_zero():
    weight = torch.randn((4, 3, 3, 3), generator=torch.Generator().manual_seed(1))
    weight[3] = 0
    rounded = round_weights(weight)
    for own, original in zip(rounded[:3], weight, strict=False):
        steps = own / original.abs().max() * 64
        assert torch.allclose(steps, steps.round(), atol=1e-4)
        assert (own - original).abs().max() <= 0.5001 * original.abs().max() / 64
    assert not rounded[3].any()


def test_gradients_pass_where_the_range_reaches(conv):
    round_activations(conv, {"0": (-0.5, 0.5)})
    speed_up(conv, int8=True)
    limited = nn.Sequential(nn.ReLU6())
    round_activations(limited, {"0": (0.0, 4.0)})
    maps = torch.tensor([-1.0, 0.3, 3.9, 5.0], requires_grad=True)
    limited(maps).sum().backward()
    assert maps.grad.tolist() == [0, 1, 1, 0]
    conv(torch.rand((1, 3, 9, 9))).square().sum().backward()
    assert all(each.grad.abs().sum() > 0 for each in conv.parameters())


def test_all_modules_that_the_graph_rounds_round_in_training(
    small_network, small_graph, ranges, noise
):
    network = LogitsOnly(copy.deepcopy(small_network)).eval()
    speed_up(network, int8=True)
    round_activations(network, ranges_by_module(small_graph, ranges))
    exact, expected = run(small_graph, noise[0]), run(quantise(small_graph, ranges), noise[0])
    with torch.no_grad():
        got = network(torch.from_numpy(noise[0])).numpy()
    assert np.abs(got - expected).mean() < 0.5 * np.abs(exact - expected).mean()


def test_no_convolution_is_left_in_float(small_graph, ranges):
    model = quantise(small_graph, ranges)
    onnx.checker.check_model(model, full_check=True)
    makers = {name: node.op_type for node in model.graph.node for name in node.output}
    users = {name: node.op_type for node in model.graph.node for name in node.input}
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    assert len(convolutions) > 60
    for node in convolutions:
        assert [makers[name] for name in node.input[:2]] == ["DequantizeLinear"] * 2
        assert users[node.output[0]] == "QuantizeLinear"
    assert Counter(makers.values())["Relu"] + Counter(makers.values())["Clip"] == 0


def test_what_is_concatenated_has_one_scale(small_graph, ranges):
    (concat,) = [
        n for n in small_graph.graph.node if n.op_type == "Concat" and n.output[0] in ranges
    ]
    assert {ranges[name] for name in concat.input} == {ranges[concat.output[0]]}


def test_a_fourth_channel_of_zeros_changes_nothing(conv, noise, monkeypatch):
    wide = quantise(one_convolution(conv[0]), LIMITS)
    monkeypatch.setattr(module, "_widen_photo", lambda model: None)
    plain = quantise(one_convolution(conv[0]), LIMITS)
    shapes = [
        [tuple(w.dims) for w in m.graph.initializer if len(w.dims) == 4] for m in (plain, wide)
    ]
    assert shapes == [[(8, 3, 3, 3)], [(8, 4, 3, 3)]]
    for tensor in (noise[0], noise[1][:, :, :33, :48]):
        assert_array_equal(run(wide, tensor), run(plain, tensor))


def test_weights_bring_the_ranges_that_they_were_trained_with(tmp_path):
    path, weights = str(tmp_path / "w.safetensors"), {"a": torch.zeros(1)}
    save_file(weights, path, {RANGES_KEY: json.dumps({"relu": [0, 2.5]})})
    assert read_ranges(path) == {"relu": (0.0, 2.5)}
    save_file(weights, path)
    assert read_ranges(path) is None
    assert read_ranges("none") is None
    assert read_ranges("weights.pth") is None


@pytest.mark.parametrize(
    "text", ["{", "[1, 2]", '{"a": 1}', '{"a": [2, 1]}', '{"a": [0, NaN]}', '{"a": [0, "x"]}']
)
def test_damaged_ranges_are_told(tmp_path, text):
    save_file({"a": torch.zeros(1)}, tmp_path / "w.safetensors", {RANGES_KEY: text})
    with pytest.raises(ModelError, match=r"w\.safetensors: its ranges"):
        read_ranges(str(tmp_path / "w.safetensors"))


def test_ranges_of_another_graph_are_told(small_graph, ranges):
    with pytest.raises(ModelError, match="no range"):
        quantise(small_graph, {name: each for name, each in ranges.items() if name != "relu_5"})
