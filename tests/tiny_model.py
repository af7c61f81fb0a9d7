"""Generated ONNX models for the plumbing, and the facts that describe them."""

import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PERSON, AEROPLANE = 15, 1
FACTS = {
    "input": {"shorter_side": 64, "multiple": 16, "plus": 0, "longer_side_limit": 256},
    "mean": [0.0, 0.0, 0.0],
    "std": [1.0, 1.0, 1.0],
    "channel_order": "RGB",
    "classes": [
        "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat",
        "chair", "cow", "dining table", "dog", "horse", "motorbike", "person", "potted plant",
        "sheep", "sofa", "train", "tv/monitor",
    ],
    "licence": "Apache-2.0",
    "origin": "generated",
}  # fmt: skip


def write_tiny_model(path, facts=FACTS, classes=21):
    """A segmenter: a mean over 8 x 8 pixels, then colour to class.

    The facts go into its metadata_props unless they are None.
    """
    return write_graph(path, tiny_graph(classes), facts)


def write_zeros_model(path, shape, dtype=np.float32, facts=FACTS):
    """A graph whose output is zeros of a shape that is known only when it runs."""
    of_type = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes = [
        helper.make_node("Shape", ["input"], ["one"], start=0, end=1),
        helper.make_node("Mul", ["one", "sizes"], ["shape"]),
        helper.make_node(
            "ConstantOfShape", ["shape"], ["out"], value=numpy_helper.from_array(np.zeros(1, dtype))
        ),
    ]
    graph = helper.make_graph(
        nodes,
        "zeros",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("out", of_type, [f"d{axis}" for axis in range(len(shape))])],
        [numpy_helper.from_array(np.array(shape, np.int64), "sizes")],
    )
    return write_graph(path, graph, facts)


def write_graph(path, graph, facts=FACTS):
    """A graph as a model's file."""
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if facts is not None:
        helper.set_model_props(model, {"cartoonify": json.dumps(facts)})
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def tiny_graph(classes=21):
    """Logits: background 0, person 20 R - 10 G - 10 B - 5, aeroplane the same for blue."""
    weight = np.zeros((classes, 3, 1, 1), np.float32)
    bias = np.full(classes, -30, np.float32)
    bias[0] = 0
    for index, colour in ((PERSON, 0), (AEROPLANE, 2)):
        if index < classes:
            weight[index] = -10
            weight[index, colour] = 20
            bias[index] = -5
    nodes = [
        helper.make_node("AveragePool", ["input"], ["mean"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Conv", ["mean", "weight", "bias"], ["logits"]),
    ]
    return helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, classes, "y", "x"])],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias")],
    )
