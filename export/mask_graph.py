"""A self-contained graph: any photo's pixels in, its alpha matte out, for any language.

Standard ONNX operators only. Each step repeats what the engine does in default mode to the last
bit, but for the upsampling, whose float32 sums may round differently: Pillow's antialiased
bilinear resize in its own fixed-point arithmetic, softmax, upsampling, threshold, and OpenCV's
7 x 7 Gaussian.
"""

from __future__ import annotations

import copy
import itertools
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from engine.weights import ModelFacts
from export.to_onnx import OPSET

THRESHOLD = 0.5
# Pillow keeps its coefficients as integers of 22 bits after the point. They are split in two
# halves of 11 bits, so that float32 products with 8-bit pixels sum exactly.
_BITS, _HALF = 22, 11
_GAUSSIAN = np.array([8, 28, 56, 72, 56, 28, 8], np.float32) / 256  # OpenCV's, for 7 and sigma 0


class _Builder:
    """Collects nodes; operands are names of tensors, or arrays that become constants."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._numbers = itertools.count()

    def __call__(self, op: str, *operands: Any, **attributes: Any) -> str:
        """Adds a node and returns its output's name."""
        out = f"mask_{next(self._numbers)}"
        names = [self._name(operand) for operand in operands]
        self.nodes.append(helper.make_node(op, names, [out], name=f"{op}_{out}", **attributes))
        return out

    def _name(self, operand: Any) -> str:
        if isinstance(operand, str):
            return operand
        name = f"mask_constant_{next(self._numbers)}"
        self.constants.append(numpy_helper.from_array(np.asarray(operand), name))
        return name


def to_mask_graph(logits: onnx.ModelProto, facts: ModelFacts, keep: str) -> onnx.ModelProto:
    """The graph around a logits graph.

    Input "image": uint8 (1, H, W, 3) RGB, any size. Outputs "alpha": uint8 (1, H, W), the share of
    the class `keep`, its edge soft; "labels": uint8 (1, h, w), the label map at network size.
    """
    g = _Builder()
    shape = g("Shape", "image")
    height, width = (g("Gather", shape, np.int64(axis)) for axis in (1, 2))
    tensor = _preprocess(g, height, width, facts)
    network = copy.deepcopy(logits)
    _rename(network.graph, {network.graph.input[0].name: tensor})
    g.nodes += network.graph.node
    g.constants += network.graph.initializer
    out = network.graph.output[0].name
    labels = g("Cast", g("ArgMax", out, axis=1, keepdims=0), to=TensorProto.UINT8)
    kept = np.array([facts.classes.index(keep)])
    probability = g("Gather", g("Softmax", out, axis=1), kept, axis=1)
    alpha = _matte(g, probability, height, width)
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


def _preprocess(g: _Builder, height: str, width: str, facts: ModelFacts) -> str:
    """The network's input, float32 (1, 3, h, w), of "image"."""
    rule = facts.input
    sides = [g("Cast", side, to=TensorProto.DOUBLE) for side in (height, width)]
    scale = g(
        "Min",
        g("Div", np.float64(rule.shorter_side), g("Min", *sides)),
        g("Div", np.float64(rule.longer_side_limit), g("Max", *sides)),
    )
    rows, columns = (_round_side(g, g("Mul", side, scale), rule) for side in sides)
    planes = g("Cast", g("Transpose", "image", perm=[0, 3, 1, 2]), to=TensorProto.FLOAT)
    planes = _resample(g, planes, width, columns, horizontal=True)
    planes = _resample(g, planes, height, rows, horizontal=False)
    if facts.channel_order == "BGR":
        planes = g("Gather", planes, np.array([2, 1, 0]), axis=1)
    mean, std = (np.array(v, np.float32).reshape(1, 3, 1, 1) for v in (facts.mean, facts.std))
    return g("Div", g("Sub", g("Div", planes, np.float32(255)), mean), std)


def _round_side(g: _Builder, side: str, rule: Any) -> str:
    """multiple x k + plus, int64, nearest to `side`, float64; k at least 1."""
    steps = g("Div", g("Sub", side, np.float64(rule.plus)), np.float64(rule.multiple))
    steps = g("Max", g("Round", steps), np.float64(1))
    rounded = g("Add", g("Mul", steps, np.float64(rule.multiple)), np.float64(rule.plus))
    return g("Cast", rounded, to=TensorProto.INT64)


def _resample(g: _Builder, planes: str, size: str, wanted: str, horizontal: bool) -> str:
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


def _pillow_coefficients(g: _Builder, size: str, wanted: str) -> str:
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


def _matte(g: _Builder, probability: str, height: str, width: str) -> str:
    """Alpha, uint8 (1, H, W), of a probability, float32 (1, 1, h, w)."""
    sides = [g("Unsqueeze", side, np.array([0])) for side in (height, width)]
    full = g("Concat", np.array([1, 1]), *sides, axis=0)
    upsampled = g(
        "Resize", probability, "", "", full,
        mode="linear", coordinate_transformation_mode="half_pixel",
    )  # fmt: skip
    mask = g("Cast", g("Greater", upsampled, np.float32(THRESHOLD)), to=TensorProto.FLOAT)
    for axis, side in ((2, height), (3, width)):
        mask = g("Gather", mask, _reflected(g, side), axis=axis)
    kernel = np.outer(_GAUSSIAN, _GAUSSIAN)[None, None]
    blurred = g("Mul", g("Conv", mask, kernel), np.float32(255))
    rounded = g("Floor", g("Add", blurred, np.float32(0.5)))
    return g("Squeeze", g("Cast", rounded, to=TensorProto.UINT8), np.array([1]))


def _reflected(g: _Builder, side: str) -> str:
    """Indices of -3 .. side + 2, mirrored at the border pixels as OpenCV does by default."""
    border = len(_GAUSSIAN) // 2
    index = g("Range", np.int64(-border), g("Add", side, np.int64(border)), np.int64(1))
    twice = g("Mul", g("Sub", side, np.int64(1)), np.int64(2))
    folded = g("Mod", index, g("Max", twice, np.int64(1)))
    return g("Min", folded, g("Sub", twice, folded))


def _rename(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    """Replaces names of tensors wherever a node reads them."""
    for node in graph.node:
        for position, name in enumerate(node.input):
            node.input[position] = names.get(name, name)
