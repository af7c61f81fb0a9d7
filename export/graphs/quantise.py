"""int8 graphs: activations U8, weights S8 per channel, QDQ.

Weights take seven bits: products of eight would overflow the 16-bit sums of processors without
VNNI.

A network that was trained for int8 is quantised as a whole, with the ranges it was trained with. Of
others the sensitive parts are left in float. Which these are is measured: each part is quantised
alone, and what it does to the probability of a person is its rank.
"""

from __future__ import annotations

import ast
import copy
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorData, TensorsData, create_calibrator
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from engine.errors import ModelError
from export.graphs.builder import GraphBuilder

# What onnxruntime computes in int8 on the CPU; HardSwish and HardSigmoid it does not, so that
# quantising a Mul or a Resize between them only adds conversions.
OP_TYPES = ("Conv", "Add", "Concat", "Clip", "Relu")
INPUT = "input"
ACTIVATION_STEPS, WEIGHT_STEPS = 255, 64
"""From the lowest activation to the highest; from zero to a channel's largest weight."""
CALIBRATION_PHOTOS, RANKED_PHOTOS = 200, 8

Range = tuple[float, float]
"""The lowest and the highest value of an activation."""


def calibrate(model: onnx.ModelProto, tensors: Sequence[np.ndarray]) -> dict[str, Range]:
    """The range of every activation over `tensors`, float32 (1, 3, h, w) each.

    What is concatenated has one range, so that it only needs to be copied.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        onnx.save(model, path)
        calibrator = create_calibrator(
            path,
            list(OP_TYPES),
            augmented_model_path=str(Path(folder, "augmented.onnx")),
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"moving_average": True, "averaging_constant": 0.02},
        )
        for tensor in tensors:
            calibrator.collect_data(_Reader([tensor]))
        data = calibrator.compute_data().data
    ranges = {
        name: (float(each.lowest.min()), float(each.highest.max())) for name, each in data.items()
    }
    for node in model.graph.node:
        if node.op_type == "Concat" and node.output[0] in ranges:
            whole = ranges[node.output[0]]
            ranges |= dict.fromkeys(node.input, whole)
    return ranges


def quantise(
    model: onnx.ModelProto, ranges: dict[str, Range], nodes: Sequence[str] | None = None
) -> onnx.ModelProto:
    """A copy in int8; only the nodes of these names, or all.

    Raises ModelError where an activation has no range, because they are another graph's.
    """
    if nodes is None:
        nodes = [name for names in parts_of(model).values() for name in names]
    limits = {
        name: TensorData(lowest=np.float32(low), highest=np.float32(high))
        for name, (low, high) in ranges.items()
    }
    quantizer = QDQQuantizer(
        copy.deepcopy(model),
        per_channel=True,
        reduce_range=True,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=TensorsData(CalibrationMethod.MinMax, limits),
        nodes_to_quantize=list(nodes),
        nodes_to_exclude=[],
        op_types_to_quantize=list(OP_TYPES),
        extra_options={},
    )
    try:
        quantizer.quantize_model()
    except (KeyError, ValueError) as error:
        raise ModelError(f"an activation has no range: {error}") from error
    quantised = quantizer.model.model
    for node in quantised.graph.node:
        if node.op_type == "Shape" and node.input[0] == f"{INPUT}_DequantizeLinear_Output":
            node.input[0] = INPUT  # the size needs no second picture
    _widen_photo(quantised)
    quantizer.model.topological_sort()
    return quantised


def _widen_photo(model: onnx.ModelProto) -> None:
    """Gives the first convolution a fourth channel of zeros, in place; the result is the same.

    onnxruntime's direct int8 convolution needs a multiple of four channels. Otherwise it copies the
    photo nine times, which takes a tenth of our own network's time.
    """
    graph = model.graph
    makers = {name: node for node in graph.node for name in node.output}
    constants = {each.name: each for each in graph.initializer}
    for conv in [node for node in graph.node if node.op_type == "Conv"]:
        photo, weights = (makers.get(name) for name in conv.input[:2])
        if photo is None or photo.input[0] != f"{INPUT}_QuantizeLinear_Output" or weights is None:
            continue
        levels = constants[weights.input[0]]
        old = numpy_helper.to_array(levels)
        more = -old.shape[1] % 4
        wide = np.pad(old, ((0, 0), (0, more), (0, 0), (0, 0)))
        levels.CopyFrom(numpy_helper.from_array(wide, levels.name))
        g = GraphBuilder("widened")
        pads = np.array([0, 0, 0, 0, 0, more, 0, 0])
        padded = g("Pad", photo.input[0], pads, photo.input[2])
        photo.input[0] = padded
        graph.node.extend(g.nodes)
        graph.initializer.extend(g.constants)
        del graph.value_info[:]  # shapes that no longer hold


def rank_parts(
    model: onnx.ModelProto,
    ranges: dict[str, Range],
    tensors: Sequence[np.ndarray],
    probability: Callable[[np.ndarray], np.ndarray],
) -> list[tuple[str, float]]:
    """Parts of the network and the mean change of `probability` when each alone is int8.

    Most sensitive first. `probability` maps logits, float32 (1, C, h, w), to 0..1.
    """
    expected = [probability(logits) for logits in _run(model, tensors)]
    ranking = []
    for part, nodes in parts_of(model).items():
        got = _run(quantise(model, ranges, nodes), tensors)
        changes = [np.abs(probability(g) - e).mean() for g, e in zip(got, expected, strict=True)]
        ranking.append((part, float(np.mean(changes))))
    return sorted(ranking, key=lambda pair: -pair[1])


def parts_of(model: onnx.ModelProto) -> dict[str, list[str]]:
    """Names of the quantisable nodes of each part: a block, an ASPP branch, the classifier."""
    parts = defaultdict(list)
    for node in _quantisable(model):
        path = _module(node)
        part = ".".join(path.split(".")[: 4 if ".branches." in path else 3]) or "graph"
        parts[part].append(node.name)
    return dict(parts)


def ranges_by_module(model: onnx.ModelProto, ranges: dict[str, Range]) -> dict[str, Range]:
    """The ranges of the modules whose output is quantised, by their names in the network.

    A convolution or a sum before an activation is rounded together with it.
    """
    users = defaultdict(list)
    for node in model.graph.node:
        for name in node.input:
            users[name].append(node.op_type)
    return {
        _module(node): ranges[node.output[0]]
        for node in _quantisable(model)
        if node.output[0] in ranges
        and node.op_type != "Concat"
        and users[node.output[0]] not in (["Relu"], ["Clip"])
    }


def _quantisable(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    """All that int8 makes faster; a sum of logits needs more steps than it has."""
    result = model.graph.output[0].name
    for node in model.graph.node:
        if node.op_type in OP_TYPES and not (node.op_type == "Add" and node.output[0] == result):
            yield node


def _module(node: onnx.NodeProto) -> str:
    """The module that a node was exported from, by its path."""
    properties = {p.key: p.value for p in node.metadata_props}
    scopes = ast.literal_eval(properties.get("pkg.torch.onnx.name_scopes", "['', 'graph']"))
    return scopes[-2] if len(scopes) > 1 else scopes[-1]


def _run(model: onnx.ModelProto, tensors: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for tensor in tensors:
        yield session.run(None, {"input": tensor})[0]


class _Reader(CalibrationDataReader):
    """Hands tensors to the calibrator."""

    def __init__(self, tensors: Sequence[np.ndarray]) -> None:
        self._tensors = iter(tensors)

    def get_next(self) -> dict[str, np.ndarray] | None:
        tensor = next(self._tensors, None)
        return None if tensor is None else {"input": tensor}
