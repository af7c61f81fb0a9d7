"""Networks that give alpha: what is fed to them, what their answers become, what is refused."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import engine
from engine import CutoutOptions, SegmentOptions
from engine.errors import ModelError, OptionError
from engine.segment.alpha import LEAST, TOLERANCE, find_alpha_problem, to_logits
from engine.segment.labels import find_probability
from engine.segment.session import open_session
from engine.weights import find_model
from tests.tiny_model import FACTS, MATTE_FACTS, RED, write_tiny_matte, write_zeros_model

FOREGROUND = np.array([1])


@pytest.mark.parametrize("kind", ["probability", "logits"])
def test_alpha_comes_back_as_the_probability_of_the_foreground(kind):
    alpha = np.linspace(0, 1, 64, dtype=np.float32).reshape(1, 1, 8, 8)
    with np.errstate(divide="ignore"):
        given = alpha if kind == "probability" else np.log(alpha / (1 - alpha))
    logits = to_logits(given, kind)
    assert logits.dtype == np.float32
    assert_array_equal(logits[0, 0], 0)
    # The ends are moved by LEAST; the rest by float32's rounding.
    assert_allclose(find_probability(logits, FOREGROUND), alpha[0, 0], atol=1.01 * LEAST)


def test_alpha_that_rounds_beyond_its_ends_is_taken_and_logits_are_not():
    alpha = np.array([[[[-TOLERANCE, 1 + TOLERANCE]]]], np.float32) * np.float32(0.99)
    assert find_alpha_problem(alpha, "probability") == ""
    assert find_alpha_problem(100 * alpha, "logits") == ""
    assert '"alpha": "logits"' in find_alpha_problem(100 * alpha, "probability")
    assert np.isfinite(to_logits(alpha, "probability")).all()


@pytest.mark.parametrize("shape", [(40, 90), (90, 40), (1, 1), (500, 300)])
def test_a_photo_of_any_size_is_squashed_to_the_one_size(tmp_path, shape):
    photo = np.full((*shape, 3), (10, 120, 10), np.uint8)
    photo[shape[0] // 2 :] = RED
    path = write_tiny_matte(tmp_path / "matte.onnx", sides=(64, 64))
    with engine.load(path, "cpu") as app:
        result = app(photo)
        assert app.find(photo).probability.shape == (64, 64)
    assert result.alpha.shape == shape
    assert result.alpha[-1].mean() > 0.9
    assert result.alpha[0].mean() < 0.1 or shape[0] == 1


@pytest.mark.parametrize("precise", [False, True])
@pytest.mark.parametrize("edges", ["refined", "soft"])
def test_all_that_follows_works_on_alpha(tmp_path, person_photo, edges, precise):
    path = write_tiny_matte(tmp_path / "matte.onnx")
    segment, cutout = SegmentOptions(precise=precise), CutoutOptions(edges=edges, people="largest")
    with engine.load(path, "cpu", segment=segment, cutout=cutout) as app:
        result = app(person_photo)
    is_red = person_photo[..., 0] > 128
    assert result.alpha[is_red].mean() > 0.9  # the input is small, and its edges soft
    assert result.alpha[~is_red].mean() < 0.05
    assert ((result.label_map == 1) == is_red).mean() > 0.98
    assert result.cartoon.shape == person_photo.shape


@pytest.mark.parametrize(
    ("facts", "graph"),
    [
        ({"alpha": "logits"}, {"sigmoid": False}),
        ({"layout": "NHWC"}, {"layout": "NHWC"}),
        ({"layout": "nhwc", "input": {"height": 64, "width": 96}}, {"layout": "NHWC"}),
        ({"input": FACTS["input"]}, {}),
        ({}, {"more": [("side", (1, 1, 5, 5)), ("features", (2, 3))]}),
        ({"channel_order": "bgr"}, {"sides": (64, 64)}),
    ],
)
def test_each_kind_of_graph_finds_the_same(tmp_path, person_photo, facts, graph):
    path = write_tiny_matte(tmp_path / "matte.onnx", MATTE_FACTS | facts, **graph)
    photo = person_photo[..., ::-1].copy() if "channel_order" in facts else person_photo
    with engine.load(path, "cpu", cutout=CutoutOptions(edges="soft")) as app:
        alpha = app(photo).alpha
    is_red = person_photo[..., 0] > 128
    assert alpha[is_red].mean() > 0.95
    assert alpha[~is_red].mean() < 0.05


def test_side_outputs_of_absurd_size_end_in_one_error(tmp_path):
    path = write_tiny_matte(tmp_path / "matte.onnx", more=[("side", (1 << 20, 1 << 20))])
    session = open_session(str(path), "cpu", 1)
    with pytest.raises(ModelError, match="the network failed on cpu: not enough memory"):
        session.run(np.zeros((1, 3, 64, 64), np.float32))


def test_a_network_with_classes_still_has_one_output(tmp_path):
    path = write_tiny_matte(tmp_path / "matte.onnx", FACTS, more=[("side", (1, 1))])
    with pytest.raises(ModelError, match="2 outputs, expected one of each"):
        open_session(str(path), "cpu", 1)


@pytest.mark.parametrize(
    ("facts", "graph", "reason"),
    [
        ({}, {"sides": (32, 32)}, r"input .*\(1, 3, 32, 32\), expected float \(1, 3, 64, 64\)"),
        ({}, {"layout": "NHWC"}, r"expected float \(1, 3, 64, 64\)"),
        ({"layout": "NHWC"}, {}, r"expected float \(1, 64, 64, 3\)"),
        ({"layout": "NHWC", "input": FACTS["input"]}, {"sides": (8, 9)}, r"float \(1, h, w, 3\)"),
    ],
)
def test_a_graph_that_does_not_fit_its_description_is_told(tmp_path, facts, graph, reason):
    path = write_tiny_matte(tmp_path / "matte.onnx", MATTE_FACTS | facts, **graph)
    with pytest.raises(ModelError, match=reason):
        open_session(str(path), "cpu", 1)


def test_logits_that_are_called_a_probability_are_told(tmp_path):
    path = write_tiny_matte(tmp_path / "matte.onnx", sigmoid=False)
    with pytest.raises(ModelError, match=r'alpha lies in .*"alpha": "logits"'):
        open_session(str(path), "cpu", 1).run(np.zeros((1, 3, 64, 64), np.float32))


@pytest.mark.parametrize(
    ("shape", "dtype", "reason"),
    [
        ((1, 2, 8, 8), np.float32, r"expected float32 \(1, 1, h, w\), alpha"),
        ((1, 1, 1000, 1000), np.float32, "1000 x 1000 for an input of 64 x 64"),
        ((1, 1, 0, 8), np.float32, "expected float32"),
        ((8, 8), np.float32, "expected float32"),
        ((2, 1, 8, 8), np.float32, "expected float32"),
    ],
)
def test_an_answer_that_is_no_alpha_is_told(tmp_path, shape, dtype, reason):
    path = write_zeros_model(tmp_path / "zeros.onnx", shape, dtype, MATTE_FACTS)
    with pytest.raises(ModelError, match=reason):
        open_session(str(path), "cpu", 1).run(np.zeros((1, 3, 64, 64), np.float32))


def test_a_matte_may_lack_its_channel(tmp_path):
    path = write_zeros_model(tmp_path / "zeros.onnx", (1, 8, 8), np.float32, MATTE_FACTS)
    logits = open_session(str(path), "cpu", 1).run(np.zeros((1, 3, 64, 64), np.float32))
    assert logits.shape == (1, 2, 8, 8)


def test_alpha_that_is_no_number_is_told(tmp_path):
    session = open_session(str(write_tiny_matte(tmp_path / "matte.onnx")), "cpu", 1)
    with pytest.raises(ModelError, match="not all finite"):
        session.run(np.full((1, 3, 64, 64), np.nan, np.float32))


@pytest.mark.parametrize("keep", [None, "person", "all", "foreground"])
def test_whatever_stands_out_is_taken_for_the_person(tmp_path, keep, person_photo):
    path = write_tiny_matte(tmp_path / "matte.onnx")
    with engine.load(path, "cpu", segment=SegmentOptions(keep)) as app:
        assert app.model.classes == ("background", "foreground")
        assert app(person_photo).alpha.mean() > 0.1


def test_other_classes_and_classic_are_refused(tmp_path):
    path = write_tiny_matte(tmp_path / "matte.onnx")
    with pytest.raises(OptionError, match="no class 'dog'"):
        engine.load(path, "cpu", segment=SegmentOptions("dog"))
    with pytest.raises(OptionError, match="21 VOC classes"):
        engine.load(path, "cpu", segment=SegmentOptions(classic=True))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"alpha": "yes"}, "alpha is 'yes', expected probability or logits"),
        ({"alpha": 1}, "alpha is 1, expected text"),
        ({"layout": "CHW"}, "layout is 'CHW', expected NCHW or NHWC"),
        ({"classes": ["a", "b", "c"]}, "classes is .*, expected two names beside alpha"),
        ({"classes": 3}, "classes is 3, expected 2 to 256 names"),
        ({"input": {"height": 64}}, "lacks 'width'"),
        ({"input": {"height": 0, "width": 64}}, "height is 0, expected a whole number from 1"),
        ({"input": {"height": 4096, "width": 4096}}, "4096 x 4096 pixels, expected at most"),
        ({"input": {"height": 64, "width": 10**9}}, "width is 1000000000, expected"),
    ],
)
def test_a_bad_description_is_told(tmp_path, change, reason):
    path = write_tiny_matte(tmp_path / "matte.onnx", None)
    (tmp_path / "matte.json").write_text(json.dumps(MATTE_FACTS | change))
    with pytest.raises(ModelError, match=reason):
        find_model(str(path))
