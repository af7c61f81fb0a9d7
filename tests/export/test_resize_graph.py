"""The resize of self-contained graphs against the engine's."""

import numpy as np
import onnxruntime as ort
import pytest
from numpy.testing import assert_array_equal

onnx = pytest.importorskip("onnx", reason="the export extra is not installed")

from engine.segment.preprocess import resize as expected_resize  # noqa: E402
from export.graphs.builder import GraphBuilder  # noqa: E402
from export.graphs.resize import resize  # noqa: E402


@pytest.fixture(scope="module")
def session():
    g = GraphBuilder("resize")
    out = resize(g, "image", "height", "width")
    scalar = (onnx.TensorProto.INT64, [])
    graph = onnx.helper.make_graph(
        g.nodes,
        "resize",
        [
            onnx.helper.make_tensor_value_info("image", onnx.TensorProto.UINT8, [1, "H", "W", 3]),
            onnx.helper.make_tensor_value_info("height", *scalar),
            onnx.helper.make_tensor_value_info("width", *scalar),
        ],
        [onnx.helper.make_tensor_value_info(out, onnx.TensorProto.FLOAT, [3, "h", "w"])],
        g.constants,
    )
    imports = [onnx.helper.make_opsetid("", 18)]
    model = onnx.helper.make_model(graph, opset_imports=imports, ir_version=8)
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize(
    ("photo", "size"),
    [
        ((1, 1), (449, 449)),
        ((90, 1), (1537, 65)),
        ((300, 401), (449, 577)),
        ((449, 577), (449, 577)),
        ((512, 513), (449, 450)),
        ((2500, 701), (449, 129)),
        ((40, 3000), (3, 8)),
        ((31, 17), (7, 9)),
    ],
)
def test_levels_are_those_of_the_engine(session, photo, size):
    image = np.random.default_rng(0).integers(0, 256, (*photo, 3), dtype=np.uint8)
    height, width = map(np.array, size)
    (got,) = session.run(None, {"image": image[None], "height": height, "width": width})
    assert_array_equal(got.transpose(1, 2, 0), expected_resize(image, size))
