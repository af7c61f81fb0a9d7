"""int8 graphs: activations U8, weights S8 per channel, QDQ, the sensitive parts left in float.

Weights take seven bits: products of eight would overflow the 16-bit sums of processors without
VNNI.

Which parts are sensitive is measured: each is quantised alone, and what it does to the
probability of a person is its rank.
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
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorsData, create_calibrator
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

# What onnxruntime computes in int8 on the CPU; HardSwish and HardSigmoid it does not, so that
# quantising a Mul or a Resize between them only adds conversions.
OP_TYPES = ("Conv", "Add", "Concat", "Clip", "Relu")
RANKED_PHOTOS = 8


def calibrate(model: onnx.ModelProto, tensors: Sequence[np.ndarray]) -> TensorsData:
    """The range of every activation over `tensors`, float32 (1, 3, h, w) each."""
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
        return calibrator.compute_data()


def quantise(
    model: onnx.ModelProto, ranges: TensorsData, nodes: Sequence[str] | None = None
) -> onnx.ModelProto:
    """A copy in int8; only the nodes of these names, or all."""
    quantizer = QDQQuantizer(
        copy.deepcopy(model),
        per_channel=True,
        reduce_range=True,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=ranges,
        nodes_to_quantize=list(nodes) if nodes is not None else [],
        nodes_to_exclude=[],
        op_types_to_quantize=list(OP_TYPES),
        extra_options={},
    )
    quantizer.quantize_model()
    quantizer.model.topological_sort()
    return quantizer.model.model


def rank_parts(
    model: onnx.ModelProto,
    ranges: TensorsData,
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
    for node in model.graph.node:
        if node.op_type in OP_TYPES:
            parts[_part(node)].append(node.name)
    return dict(parts)


def _part(node: onnx.NodeProto) -> str:
    """The module that a node was exported from, to the depth of a block."""
    properties = {p.key: p.value for p in node.metadata_props}
    scopes = ast.literal_eval(properties.get("pkg.torch.onnx.name_scopes", "['', 'graph']"))
    path = scopes[-2] if len(scopes) > 1 else scopes[-1]
    return ".".join(path.split(".")[: 4 if ".branches." in path else 3]) or "graph"


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
