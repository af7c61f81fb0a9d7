"""A self-contained graph: any photo's pixels in, its alpha matte out, for any language.

Standard ONNX operators only. Each step repeats what the engine does in default mode, to the last
bit but for float32 sums that may round differently: Pillow's antialiased bilinear resize in its
own fixed-point arithmetic, softmax, clean-up, upsampling, and the guided filter.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from engine.cutout.refine import GUIDE_STEP
from engine.options import CutoutOptions
from engine.weights import ModelFacts
from export.graphs.builder import GraphBuilder
from export.graphs.clean import clean
from export.graphs.guided import refine
from export.graphs.to_onnx import OPSET

# Pillow keeps its coefficients as integers of 22 bits after the point. They are split in two
# halves of 11 bits, so that float32 products with 8-bit pixels sum exactly.
_BITS, _HALF = 22, 11


def to_mask_graph(logits: onnx.ModelProto, facts: ModelFacts, keep: str) -> onnx.ModelProto:
    """The graph around a logits graph.

    Input "image": uint8 (1, H, W, 3) RGB, any size. Outputs "alpha": uint8 (1, H, W), the share of
    the class `keep`; "labels": uint8 (1, h, w), the label map at network size.
    """
    g = GraphBuilder("mask")
    planes = g("Cast", g("Transpose", "image", perm=[0, 3, 1, 2]), to=TensorProto.FLOAT)
    small = _shrink(g, planes, facts)
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
    alpha = _matte(g, probability, planes, small, facts)
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


def _shrink(g: GraphBuilder, planes: str, facts: ModelFacts) -> str:
    """The photo as the network sees it, float32 (1, 3, h, w), whole levels."""
    rule = facts.input
    height, width = _sides(g, planes)
    sides = [g("Cast", side, to=TensorProto.DOUBLE) for side in (height, width)]
    scale = g(
        "Min",
        g("Div", np.float64(rule.shorter_side), g("Min", *sides)),
        g("Div", np.float64(rule.longer_side_limit), g("Max", *sides)),
    )
    rows, columns = (_round_side(g, g("Mul", side, scale), rule) for side in sides)
    planes = _resample(g, planes, width, columns, horizontal=True)
    return _resample(g, planes, height, rows, horizontal=False)


def _normalise(g: GraphBuilder, planes: str, facts: ModelFacts) -> str:
    if facts.channel_order == "BGR":
        planes = g("Gather", planes, np.array([2, 1, 0]), axis=1)
    mean, std = (np.array(v, np.float32).reshape(1, 3, 1, 1) for v in (facts.mean, facts.std))
    return g("Div", g("Sub", g("Div", planes, np.float32(255)), mean), std)


def _sides(g: GraphBuilder, planes: str) -> list[str]:
    """Height and width, int64 scalars."""
    return [g("Gather", g("Shape", planes), np.int64(axis)) for axis in (2, 3)]


def _round_side(g: GraphBuilder, side: str, rule: Any) -> str:
    """multiple x k + plus, int64, nearest to `side`, float64; k at least 1."""
    steps = g("Div", g("Sub", side, np.float64(rule.plus)), np.float64(rule.multiple))
    steps = g("Max", g("Round", steps), np.float64(1))
    rounded = g("Add", g("Mul", steps, np.float64(rule.multiple)), np.float64(rule.plus))
    return g("Cast", rounded, to=TensorProto.INT64)


def _resample(g: GraphBuilder, planes: str, size: str, wanted: str, horizontal: bool) -> str:
    """`planes`, float32 (1, 3, H, W) of whole levels, with one side resampled as Pillow does."""
    coefficients = _pillow_coefficients(g, size, wanted)
    high = g("Floor", g("Div", coefficients, np.float64(1 << _HALF)))
    low = g("Sub", coefficients, g("Mul", high, np.float64(1 << _HALF)))
    sums = []
    for part in (high, low):
        matrix = g("Cast", part, to=TensorProto.FLOAT)  # (wanted, size)
        if horizontal:
            product = g("MatMul", planes, g("Transpose", matrix, perm=[1, 0]))
        else:
            product = g("MatMul", matrix, planes)
        sums.append(g("Cast", product, to=TensorProto.INT32))
    total = g("Add", g("Mul", sums[0], np.int32(1 << _HALF)), sums[1])
    rounded = g("Div", g("Add", total, np.int32(1 << (_BITS - 1))), np.int32(1 << _BITS))
    levels = g("Cast", rounded, to=TensorProto.FLOAT)
    return g("Min", levels, np.float32(255))


def _pillow_coefficients(g: GraphBuilder, size: str, wanted: str) -> str:
    """Pillow's triangle filter, float64 (wanted, size), whole numbers that sum to about 2**22."""
    scale = g("Div", *(g("Cast", n, to=TensorProto.DOUBLE) for n in (size, wanted)))
    narrow = g("Div", np.float64(1), g("Max", scale, np.float64(1)))
    rows, columns = (
        g("Cast", g("Range", np.int64(0), n, np.int64(1)), to=TensorProto.DOUBLE)
        for n in (wanted, size)
    )
    centre = g("Unsqueeze", g("Mul", g("Add", rows, np.float64(0.5)), scale), np.array([1]))
    distance = g("Mul", g("Add", g("Sub", columns, centre), np.float64(0.5)), narrow)
    weight = g("Max", g("Sub", np.float64(1), g("Abs", distance)), np.float64(0))
    share = g("Div", weight, g("ReduceSum", weight, np.array([1]), keepdims=1))
    return g("Floor", g("Add", g("Mul", share, np.float64(1 << _BITS)), np.float64(0.5)))


def _matte(g: GraphBuilder, probability: str, planes: str, small: str, facts: ModelFacts) -> str:
    """Alpha, uint8 (1, H, W), of a probability, float32 (1, 1, h, w)."""
    sides = _sides(g, small)
    wanted = [g("Max", g("Div", side, np.int64(GUIDE_STEP)), np.int64(1)) for side in sides]
    guide = _resample(g, small, sides[1], wanted[1], horizontal=True)
    guide = _resample(g, guide, sides[0], wanted[0], horizontal=False)
    upsampled = g(
        "Resize", probability, "", "", _shape(g, 1, wanted), mode="linear",
        coordinate_transformation_mode="align_corners" if facts.align_corners else "half_pixel",
    )  # fmt: skip
    size = _shape(g, 4, _sides(g, planes))
    alpha = refine(g, upsampled, guide, planes, size)
    levels = g("Round", g("Mul", alpha, np.float32(255)))
    return g("Squeeze", g("Cast", levels, to=TensorProto.UINT8), np.array([1]))


def _shape(g: GraphBuilder, channels: int, sides: list[str]) -> str:
    """int64 [1, channels, height, width]."""
    unsqueezed = [g("Unsqueeze", side, np.array([0])) for side in sides]
    return g("Concat", np.array([1, channels]), *unsqueezed, axis=0)


def _rename(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    """Replaces names of tensors wherever a node reads them."""
    for node in graph.node:
        for position, name in enumerate(node.input):
            node.input[position] = names.get(name, name)
