"""An exact rewrite of ASPP for inputs up to a given size: what only reads padding is left out.

On a small map an atrous tap with a rate of the map's height or more always falls into the padding
above or below it, and adds zero. Dropping such taps leaves the outputs as they are but for
float32's rounding, because the remaining products may be summed in another order. A kernel
reduced to its centre is a 1 x 1 convolution, and 1 x 1 branches on one input are one convolution.

Larger inputs than the limit need the untouched graph.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper


def specialise(model: onnx.ModelProto, largest: tuple[int, int]) -> onnx.ModelProto:
    """A copy that equals `model`, a logits graph, on inputs up to `largest`, height and width."""
    model = copy.deepcopy(model)
    map_size = _map_size(model, largest)
    for node in model.graph.node:
        if node.op_type == "Conv":
            _drop_taps(model.graph, node, map_size)
    for concat in [node for node in model.graph.node if node.op_type == "Concat"]:
        _merge_branches(model.graph, concat)
    _drop_unused(model.graph)
    onnx.checker.check_model(model, full_check=True)
    return model


def _map_size(model: onnx.ModelProto, largest: tuple[int, int]) -> tuple[int, int]:
    """Height and width of the logits, on whose grid ASPP works."""
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    logits = session.run(None, {"input": np.zeros((1, 3, *largest), np.float32)})[0]
    return logits.shape[2], logits.shape[3]


def _drop_taps(graph: onnx.GraphProto, node: onnx.NodeProto, map_size: tuple[int, int]) -> None:
    """Reduces a 3 x 3 atrous kernel to the taps that can reach the map."""
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    rates = attributes.get("dilations", [1, 1])
    if attributes.get("kernel_shape") != [3, 3] or attributes.get("strides", [1, 1]) != [1, 1]:
        return
    drops = [rate >= side for rate, side in zip(rates, map_size, strict=True)]
    if attributes.get("pads") != [*rates, *rates] or not any(drops):
        return
    weight = _initializer(graph, node.input[1])
    values = numpy_helper.to_array(weight)
    if drops[0]:
        values = values[:, :, 1:2, :]
    if drops[1]:
        values = values[:, :, :, 1:2]
    reduced = numpy_helper.from_array(np.ascontiguousarray(values), f"{weight.name}_taps")
    graph.initializer.append(reduced)
    node.input[1] = reduced.name
    pads = [0 if drop else rate for drop, rate in zip(drops, rates, strict=True)]
    attributes |= {
        "kernel_shape": list(values.shape[2:]),
        "dilations": [1 if drop else rate for drop, rate in zip(drops, rates, strict=True)],
        "pads": [*pads, *pads],
    }
    del node.attribute[:]
    node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())


def _merge_branches(graph: onnx.GraphProto, concat: onnx.NodeProto) -> None:
    """Makes one convolution of the 1 x 1 branches, and moves the next one's columns to fit."""
    producers = {out: node for node in graph.node for out in node.output}
    consumers = [node for node in graph.node if concat.output[0] in node.input]
    branches = {
        i: found for i, out in enumerate(concat.input) if (found := _branch(producers, out))
    }
    inputs = {conv.input[0] for conv, _ in branches.values()}
    project = consumers[0] if len(consumers) == 1 else None
    if len(branches) < 2 or len(inputs) != 1 or project is None or project.op_type != "Conv":
        return
    found_widths = [_channels(graph, producers, out) for out in concat.input]
    widths = [width for width in found_widths if width is not None]
    if len(widths) < len(found_widths):
        return
    parts = [
        np.concatenate([_values(graph, conv.input[k]) for conv, _ in branches.values()])
        for k in (1, 2)
    ]
    first_conv, first_relu = next(iter(branches.values()))
    for k, values in zip((1, 2), parts, strict=True):
        merged = numpy_helper.from_array(values, f"{first_conv.input[k]}_merged")
        graph.initializer.append(merged)
        first_conv.input[k] = merged.name
    rest = [i for i in range(len(concat.input)) if i not in branches]
    _permute_columns(graph, project, [*branches, *rest], widths)
    kept = [first_relu.output[0], *(concat.input[i] for i in rest)]
    del concat.input[:]
    concat.input.extend(kept)


def _branch(
    producers: dict[str, onnx.NodeProto], out: str
) -> tuple[onnx.NodeProto, onnx.NodeProto] | None:
    """The convolution and ReLU of a 1 x 1 branch."""
    relu = producers.get(out)
    if relu is None or relu.op_type != "Relu":
        return None
    conv = producers.get(relu.input[0])
    if conv is None or conv.op_type != "Conv" or len(conv.input) != 3:
        return None
    attributes = {a.name: helper.get_attribute_value(a) for a in conv.attribute}
    plain = attributes.get("kernel_shape") == [1, 1] and attributes.get("group", 1) == 1
    plain = plain and attributes.get("strides", [1, 1]) == [1, 1]
    return (conv, relu) if plain else None


def _channels(graph: onnx.GraphProto, producers: dict[str, onnx.NodeProto], out: str) -> int | None:
    """Channels of a tensor, from the convolution that it comes from."""
    while out in producers:
        node = producers[out]
        if node.op_type == "Conv":
            return int(_values(graph, node.input[1]).shape[0])
        out = node.input[0]
    return None


def _permute_columns(
    graph: onnx.GraphProto, conv: onnx.NodeProto, order: list[int], widths: list[int]
) -> None:
    """Puts the input channels of a convolution into the new order of the blocks."""
    values = _values(graph, conv.input[1])
    blocks = np.split(values, np.cumsum(widths)[:-1], axis=1)
    moved = np.ascontiguousarray(np.concatenate([blocks[i] for i in order], axis=1))
    graph.initializer.append(numpy_helper.from_array(moved, f"{conv.input[1]}_moved"))
    conv.input[1] = f"{conv.input[1]}_moved"


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Removes nodes and weights that nothing reads any more."""
    while unread := list(_unread(graph)):
        for node in unread:
            graph.node.remove(node)
    read = {name for node in graph.node for name in node.input}
    for weight in [w for w in graph.initializer if w.name not in read]:
        graph.initializer.remove(weight)


def _unread(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    read = {name for node in graph.node for name in node.input} | {o.name for o in graph.output}
    return (node for node in graph.node if not read.intersection(node.output))


def _initializer(graph: onnx.GraphProto, name: str) -> onnx.TensorProto:
    return next(weight for weight in graph.initializer if weight.name == name)


def _values(graph: onnx.GraphProto, name: str) -> np.ndarray:
    return numpy_helper.to_array(_initializer(graph, name))
