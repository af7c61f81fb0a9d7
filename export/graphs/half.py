"""float16: weights stored in half the bytes, or a graph that computes in it, for CUDA."""

from __future__ import annotations

import copy

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_SMALLEST_WEIGHT = 64  # elements; below that a Cast costs more than it saves


def store_as_f16(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose large float32 weights are float16, widened by a Cast when it is loaded.

    It computes in float32; onnxruntime folds the Casts away. Raises ValueError for a weight
    beyond float16's range.
    """
    model = copy.deepcopy(model)
    casts = []
    for weight in model.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < _SMALLEST_WEIGHT:
            continue
        if np.abs(values).max() > np.finfo(np.float16).max:
            raise ValueError(f"{weight.name} is beyond float16's range")
        name, stored = weight.name, f"{weight.name}_f16"
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), stored))
        casts.append(helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model, full_check=True)
    return model


def compute_in_f16(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy that computes in float16 between float32 input and logits."""
    from onnxruntime.transformers.float16 import convert_float_to_float16
    from onnxruntime.transformers.onnx_model import OnnxModel

    half = convert_float_to_float16(copy.deepcopy(model), keep_io_types=True)
    OnnxModel.graph_topological_sort(half.graph)
    onnx.checker.check_model(half)
    return half
