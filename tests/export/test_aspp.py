"""The rewrite of ASPP equals the untouched graph up to its limit."""

import json

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from engine.segment.session import open_session
from export.graphs.aspp import specialise
from export.verify import compare
from tests.tiny_model import FACTS

STRIDE, CHANNELS, CLASSES = 8, 6, 21


def aspp_graph(rates=(2, 4, 9)):
    """A miniature DeepLabV3: a strided stem, a 1 x 1 and three atrous branches, a projection."""
    rng = np.random.default_rng(0)
    nodes, weights = [], []

    def conv(name, source, out, channels, **attributes):
        size = attributes["kernel_shape"]
        weight = rng.normal(size=(out, channels, *size)).astype(np.float32)
        bias = rng.normal(size=out).astype(np.float32)
        weights.extend(
            numpy_helper.from_array(v, f"{name}_{k}") for k, v in (("w", weight), ("b", bias))
        )
        nodes.append(
            helper.make_node("Conv", [source, f"{name}_w", f"{name}_b"], [name], name, **attributes)
        )

    conv("stem", "input", CHANNELS, 3, kernel_shape=[3, 3], strides=[8, 8], pads=[1, 1, 1, 1])
    conv("branch0", "stem", 4, CHANNELS, kernel_shape=[1, 1])
    for i, rate in enumerate(rates, 1):
        conv(
            f"branch{i}", "stem", 3 + i, CHANNELS,
            kernel_shape=[3, 3], dilations=[rate] * 2, pads=[rate] * 4,
        )  # fmt: skip
    names = [f"branch{i}" for i in range(len(rates) + 1)]
    nodes += [helper.make_node("Relu", [n], [f"{n}_relu"], f"{n}_relu") for n in names]
    nodes.append(helper.make_node("Concat", [f"{n}_relu" for n in names], ["views"], axis=1))
    views = 4 + sum(3 + i for i in range(1, len(rates) + 1))
    conv("logits", "views", CLASSES, views, kernel_shape=[1, 1])
    graph = helper.make_graph(
        nodes,
        "aspp",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, "height", "width"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, CLASSES, "h", "w"])],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def run(model, tensor):
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"input": tensor})[0]


# Sums of at most 54 products in another order, 2**-24 each.
RTOL = 1e-5


@pytest.mark.parametrize("largest", [(72, 72), (32, 72), (72, 32), (16, 16), (33, 65)])
def test_it_equals_the_untouched_graph_on_every_size_up_to_the_limit(largest):
    model = aspp_graph()
    rewritten = specialise(model, largest)
    rng = np.random.default_rng(1)
    heights = sorted({8, 9, largest[0] // 2, largest[0] - 1, largest[0]})
    widths = sorted({8, 9, largest[1] // 2, largest[1] - 1, largest[1]})
    for height in heights:
        for width in widths:
            tensor = rng.normal(size=(1, 3, height, width)).astype(np.float32)
            proof = compare(run(model, tensor), run(rewritten, tensor), (height, width), RTOL)
            assert proof.relative_error <= RTOL


def kernels(model):
    return {
        node.name: tuple(helper.get_attribute_value(a))
        for node in model.graph.node
        if node.op_type == "Conv"
        for a in node.attribute
        if a.name == "kernel_shape"
    }


def test_taps_are_dropped_and_branches_merged():
    got = kernels(specialise(aspp_graph(), (32, 72)))  # a map of 4 x 9
    assert got["branch1"] == (3, 3)
    assert got["branch2"] == (1, 3)
    assert "branch3" not in got  # a 1 x 1 now, and part of branch0
    assert got["branch0"] == (1, 1)
    assert kernels(specialise(aspp_graph(), (80, 80))) == kernels(aspp_graph())


def test_beyond_the_limit_it_is_another_graph():
    model = aspp_graph()
    tensor = np.random.default_rng(0).normal(size=(1, 3, 96, 96)).astype(np.float32)
    assert np.abs(run(model, tensor) - run(specialise(model, (32, 32)), tensor)).max() > 0.1


def test_the_engine_takes_the_untouched_graph_beyond_the_limit(tmp_path):
    model = aspp_graph()
    onnx.save(model, tmp_path / "whole.onnx")
    (tmp_path / "whole.json").write_text(json.dumps(FACTS))
    onnx.save(specialise(model, (32, 32)), tmp_path / "small.onnx")
    limit = {"largest": [32, 32], "untouched": "whole"}
    (tmp_path / "small.json").write_text(json.dumps(FACTS | limit))
    session = open_session("small", "cpu", 1, tmp_path)
    rng = np.random.default_rng(0)
    for size in [(32, 32), (24, 16), (40, 32), (32, 40), (96, 96)]:
        tensor = rng.normal(size=(1, 3, *size)).astype(np.float32)
        expected = run(model, tensor)
        proof = compare(expected, session.run(tensor), size, RTOL)
        assert proof.relative_error <= RTOL
