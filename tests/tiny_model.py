"""Generated ONNX models for the plumbing, and the facts that describe them."""

import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PERSON, AEROPLANE = 15, 1
RED = (250, 20, 20)
"""A person, to the tiny networks."""
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
MATTE_FACTS = {
    **{key: FACTS[key] for key in ("mean", "std", "channel_order", "licence", "origin")},
    "input": {"height": 64, "width": 64},
    "alpha": "probability",
}


def write_tiny_model(path, facts=FACTS, classes=21):
    """A segmenter: a mean over 8 x 8 pixels, then colour to class.

    The facts go into its metadata_props unless they are None.
    """
    return write_graph(path, tiny_graph(classes), facts)


def write_tiny_matte(path, facts=MATTE_FACTS, layout="NCHW", sides=None, sigmoid=True, more=()):
    """A network that gives alpha: how red each pixel is. Its path.

    `more` are names and shapes of side outputs, zeros all.
    """
    free = ["h", "w"] if sides is None else list(sides)
    shape = [1, *free, 3] if layout == "NHWC" else [1, 3, *free]
    nodes = [
        helper.make_node("Transpose", ["input"], ["nchw"], perm=[0, 3, 1, 2])
        if layout == "NHWC"
        else helper.make_node("Identity", ["input"], ["nchw"]),
        helper.make_node("Conv", ["nchw", "weight", "bias"], ["red"]),
        helper.make_node("Sigmoid" if sigmoid else "Identity", ["red"], ["maps"]),
        helper.make_node("Transpose", ["maps"], ["alpha"], perm=[0, 2, 3, 1])
        if layout == "NHWC"
        else helper.make_node("Identity", ["maps"], ["alpha"]),
    ]
    constants = [
        numpy_helper.from_array(np.array([20, -10, -10], np.float32).reshape(1, 3, 1, 1), "weight"),
        numpy_helper.from_array(np.array([-5], np.float32), "bias"),
    ]
    shapes = {"alpha": [f"d{axis}" for axis in range(4)]}
    for name, size in more:
        constants.append(numpy_helper.from_array(np.array(size, np.int64), f"{name} size"))
        nodes.append(helper.make_node("ConstantOfShape", [f"{name} size"], [name]))
        shapes[name] = [f"{name}{axis}" for axis in range(len(size))]
    graph = helper.make_graph(
        nodes,
        "matte",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()],
        constants,
    )
    return write_graph(path, graph, facts)


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
