"""A generated ONNX segmenter for the plumbing: a mean over 8 x 8 pixels, then colour to class."""

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


def write_tiny_model(path, facts=FACTS, classes=21):
    """The segmenter as a file; `facts` go into its metadata_props unless None."""
    model = helper.make_model(
        tiny_graph(classes), opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    if facts is not None:
        helper.set_model_props(model, {"cartoonify": json.dumps(facts)})
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path
