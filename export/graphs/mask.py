"""A self-contained graph: any photo's pixels in, its alpha matte out, for any language.

Standard ONNX operators only. Each step repeats what the engine does in default mode, to the last
bit but for float32 sums that may round differently: Pillow's antialiased bilinear resize in its
own fixed-point arithmetic, softmax, clean-up, and the refiner of edges with its planes.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from engine.options import CutoutOptions
from engine.weights import InputRule, ModelFacts, find_refiner
from export.graphs.builder import GraphBuilder
from export.graphs.clean import clean
from export.graphs.planes import refine
from export.graphs.resize import resize
from export.graphs.to_onnx import OPSET


def to_mask_graph(logits: onnx.ModelProto, facts: ModelFacts, keep: str) -> onnx.ModelProto:
    """The graph around a logits graph.

    Input "image": uint8 (1, H, W, 3) RGB, any size. Outputs "alpha": uint8 (1, H, W), the share of
    the class `keep`; "labels": uint8 (1, h, w), the label map at network size.
    """
    g = GraphBuilder("mask")
    small = _shrink(g, facts)
    network = copy.deepcopy(logits)
    _rename(network.graph, {network.graph.input[0].name: _normalise(g, small, facts)})
    g.nodes += network.graph.node
    g.constants += network.graph.initializer
    out = network.graph.output[0].name
    labels = g("Cast", g("ArgMax", out, axis=1, keepdims=0), to=TensorProto.UINT8)
    kept = np.array([facts.classes.index(keep)])
    probability = g("Gather", g("Softmax", out, axis=1), kept, axis=1)
    assert CutoutOptions.threshold == 0.5, "the graph does not shift the odds as the engine does"
    probability = clean(g, probability, CutoutOptions.threshold)
    refiner = onnx.load_from_string(find_refiner()[0])
    alpha = refine(g, probability, "image", small, facts.align_corners, refiner)
    graph = helper.make_graph(
        [
            *g.nodes,
            helper.make_node("Identity", [labels], ["labels"]),
            helper.make_node("Identity", [alpha], ["alpha"]),
        ],
        "mask",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, "H", "W", 3])],
        [
            helper.make_tensor_value_info("alpha", TensorProto.UINT8, [1, "H", "W"]),
            helper.make_tensor_value_info("labels", TensorProto.UINT8, [1, "h", "w"]),
        ],
        g.constants,
    )
    imports = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=network.ir_version)
    onnx.checker.check_model(model, full_check=True)
    return model


def _shrink(g: GraphBuilder, facts: ModelFacts) -> str:
    """The photo as the network sees it, float32 (1, 3, h, w), whole levels."""
    rule = facts.input
    assert isinstance(rule, InputRule), "the networks of this project take photos of any size"
    shape = g("Shape", "image")
    sides = [
        g("Cast", g("Gather", shape, np.int64(axis)), to=TensorProto.DOUBLE) for axis in (1, 2)
    ]
    scale = g(
        "Min",
        g("Div", np.float64(rule.shorter_side), g("Min", *sides)),
        g("Div", np.float64(rule.longer_side_limit), g("Max", *sides)),
    )
    height, width = (_round_side(g, g("Mul", side, scale), rule) for side in sides)
    return g("Unsqueeze", resize(g, "image", height, width), np.array([0]))


def _normalise(g: GraphBuilder, planes: str, facts: ModelFacts) -> str:
    if facts.channel_order == "BGR":
        planes = g("Gather", planes, np.array([2, 1, 0]), axis=1)
    mean, std = (np.array(v, np.float32).reshape(1, 3, 1, 1) for v in (facts.mean, facts.std))
    return g("Div", g("Sub", g("Div", planes, np.float32(255)), mean), std)


def _round_side(g: GraphBuilder, side: str, rule: Any) -> str:
    """multiple x k + plus, int64, nearest to `side`, float64; k at least 1."""
    steps = g("Div", g("Sub", side, np.float64(rule.plus)), np.float64(rule.multiple))
    steps = g("Max", g("Round", steps), np.float64(1))
    rounded = g("Add", g("Mul", steps, np.float64(rule.multiple)), np.float64(rule.plus))
    return g("Cast", rounded, to=TensorProto.INT64)


def _rename(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    """Replaces names of tensors wherever a node reads them."""
    for node in graph.node:
        for position, name in enumerate(node.input):
            node.input[position] = names.get(name, name)
