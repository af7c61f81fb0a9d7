"""The clean-up as a graph against the engine's."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from onnx import TensorProto, helper

from engine.cutout.clean import clean
from export.graphs.builder import GraphBuilder
from export.graphs.clean import clean as add_clean


@pytest.fixture(scope="module")
def session():
    g = GraphBuilder("clean")
    out = add_clean(g, "probability", 0.5)
    plane = [1, 1, "h", "w"]
    graph = helper.make_graph(
        [*g.nodes, helper.make_node("Identity", [out], ["cleaned"])],
        "clean",
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, plane)],
        [helper.make_tensor_value_info("cleaned", TensorProto.FLOAT, plane)],
        g.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


@settings(max_examples=150)
@given(
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.sampled_from([0.02, 0.1, 0.4, 0.6, 0.9]),
)
def test_the_graph_cleans_as_the_engine_does(session, seed, size, share):
    rng = np.random.default_rng(seed)
    probability = np.where(rng.random(size) < share, 0.5, 0.0) + rng.random(size) / 2
    if min(size) > 12:  # someone large, so that others are small
        probability[2 : size[0] // 2, 3 : size[1] // 2] = 0.97
        probability[5, 6] = 0.2
    probability = probability.astype(np.float32)
    (got,) = session.run(None, {"probability": probability[None, None]})
    assert_array_equal(got[0, 0], clean(probability, 0.5))
