"""The self-contained graph against the engine."""

import cv2
import numpy as np
import onnx
import onnxruntime as ort
import pytest

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(
    "size", [(512, 512), (300, 401), (401, 300), (1, 1), (2, 3), (1, 90), (93, 701), (1200, 900)]
)
@pytest.mark.filterwarnings("ignore")
def test_alpha_and_labels_are_the_engines(mask_model, mask_app, astronaut, size):
    photo = cv2.resize(astronaut, size[::-1], interpolation=cv2.INTER_AREA)
    session = ort.InferenceSession(mask_model, providers=["CPUExecutionProvider"])
    alpha, labels = session.run(["alpha", "labels"], {"image": photo[None]})
    result = mask_app(photo)
    assert alpha.dtype == labels.dtype == np.uint8
    assert alpha.shape == (1, *size)
    difference = np.abs(alpha[0].astype(int) - np.rint(result.alpha * 255).astype(int))
    assert difference.max() <= 1
    assert (labels == result.logits.argmax(axis=1)).all()


def test_it_is_made_of_standard_operators_only(mask_model):
    model = onnx.load(mask_model)
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 18)]
    assert {node.domain for node in model.graph.node} == {""}
