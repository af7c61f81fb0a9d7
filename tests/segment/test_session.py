"""Sessions: the graph is fit, and what runs is what was asked for."""

import types

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from engine.errors import ModelError, OptionError, ProviderError
from engine.segment.runtimes import onnxruntime as runtime_module
from engine.segment.session import open_session
from tests.tiny_model import FACTS, write_tiny_model


def test_the_tiny_model_runs(tiny_model):
    session = open_session(str(tiny_model), "cpu", 1)
    assert session.provider == "cpu"
    assert session.facts.classes[15] == "person"
    logits = session.run(np.zeros((1, 3, 64, 80), np.float32))
    assert logits.shape == (1, 21, 8, 10)


def test_auto_takes_the_cpu_where_there_is_nothing_else(tiny_model, monkeypatch, caplog):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with caplog.at_level("INFO", logger="engine"):
        assert open_session(str(tiny_model), "auto", 1).provider == "cpu"
    assert caplog.messages == ["tiny runs on cpu, 1 threads"]


def pretend_cuda(monkeypatch, create):
    """As if this were onnxruntime-gpu, with `create` for InferenceSession."""
    both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: both)
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None, raising=False)
    monkeypatch.setattr(onnxruntime, "InferenceSession", create)


def test_cuda_on_a_build_without_it_is_an_error(tiny_model, monkeypatch):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(ProviderError, match=r"no CUDA provider.*onnxruntime-gpu"):
        open_session(str(tiny_model), "cuda", 1)


def test_cuda_that_silently_became_cpu_is_an_error(tiny_model, monkeypatch, caplog):
    # What onnxruntime-gpu does without a driver: it warns, and goes on with the CPU.
    real = onnxruntime.InferenceSession
    asked = []

    def fall_back(data, options, providers, **settings):
        asked.extend(providers)
        return real(data, options, providers=["CPUExecutionProvider"], **settings)

    pretend_cuda(monkeypatch, fall_back)
    with pytest.raises(ProviderError, match="took CPU"):
        open_session(str(tiny_model), "cuda", 1)
    assert asked[0][1]["cudnn_conv_algo_search"] == "HEURISTIC"
    assert open_session(str(tiny_model), "auto", 1).provider == "cpu"
    assert "continuing on the CPU" in caplog.text


def test_cuda_without_cudnn_is_an_error(tiny_model, monkeypatch, tmp_path):
    real = onnxruntime.InferenceSession

    def without_cudnn(data, options, providers, **settings):
        session = real(data, options, providers=["CPUExecutionProvider"], **settings)
        if len(providers) == 2:
            session.get_providers = lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
        return session

    pretend_cuda(monkeypatch, without_cudnn)
    maps = tmp_path / "maps"
    monkeypatch.setattr(runtime_module, "_MAPPED_FILES", maps)
    maps.write_text("7f00 /usr/lib/libcudart.so.12")
    with pytest.raises(ProviderError, match="cuDNN, which convolutions need"):
        open_session(str(tiny_model), "cuda", 1)
    maps.write_text("7f00 /usr/lib/libcudnn.so.9")
    assert open_session(str(tiny_model), "cuda", 1).provider == "cuda"


def test_a_model_that_fails_everywhere_is_not_cudas_fault(tmp_path, monkeypatch):
    pretend_cuda(monkeypatch, onnxruntime.InferenceSession)
    (tmp_path / "bad.onnx").write_bytes(b"not an onnx file")
    with pytest.raises(ModelError, match="cannot load it"):
        open_session(str(tmp_path / "bad.onnx"), "cuda", 1)


def test_a_failing_run_never_goes_on_elsewhere_in_silence(tiny_model, monkeypatch, capfd):
    session = open_session(str(tiny_model), "cpu", 1)
    state = onnxruntime.capi.onnxruntime_pybind11_state

    class OutOfMemory:
        def __init__(self, real):
            self._real = real

        def __getattr__(self, name):
            return getattr(self._real, name)

        def run(self, *_):
            raise state.EPFail("CUDA failure 2: out of memory")

    session.provider = "cuda"
    real = session._runtime._session
    monkeypatch.setattr(real, "_sess", OutOfMemory(real._sess))
    with pytest.raises(ProviderError, match="failed on cuda: CUDA failure 2"):
        session.run(np.zeros((1, 3, 16, 16), np.float32))
    assert capfd.readouterr() == ("", "")


def test_the_session_gets_its_threads(tiny_model, monkeypatch):
    real = onnxruntime.InferenceSession
    seen = []

    def record(data, options, **settings):
        seen.append((options.intra_op_num_threads, options.inter_op_num_threads))
        return real(data, options, **settings)

    monkeypatch.setattr(onnxruntime, "InferenceSession", record)
    open_session(str(tiny_model), "cpu", 3)
    assert seen == [(3, 1)]


@pytest.mark.gpu
def test_cuda_runs(tiny_model):
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has no CUDA provider")
    assert open_session(str(tiny_model), "cuda", 1).provider == "cuda"


@pytest.mark.parametrize("provider", ["tpu", "", "CPU", None, 3, ["cpu"], b"cpu"])
def test_an_unknown_provider_is_an_option_error(tiny_model, provider):
    with pytest.raises(OptionError, match="expected one of auto, cpu, cuda"):
        open_session(str(tiny_model), provider, 1)


def test_a_graph_that_is_no_onnx_is_told(tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"not an onnx file")
    with pytest.raises(ModelError, match="onnxruntime cannot load it"):
        open_session(str(tmp_path / "bad.onnx"), "cpu", 1)


def test_a_model_without_facts_is_told(tmp_path):
    path = write_tiny_model(tmp_path / "bare.onnx", facts=None)
    with pytest.raises(ModelError, match="nothing describes this model"):
        open_session(str(path), "cpu", 1)


def test_classes_that_do_not_fit_the_logits_are_told(tmp_path):
    path = write_tiny_model(tmp_path / "seven.onnx", classes=7)
    session = open_session(str(path), "cpu", 1)
    with pytest.raises(ModelError, match=r"\(1, 7, 4, 4\), expected float32 \(1, 21, h, w\)"):
        session.run(np.zeros((1, 3, 32, 32), np.float32))


def test_an_unfit_input_is_told(tmp_path):
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "identity",
        [helper.make_tensor_value_info("x", TensorProto.INT64, [1])],
        [helper.make_tensor_value_info("y", TensorProto.INT64, [1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "identity.onnx")
    import json

    (tmp_path / "identity.json").write_text(json.dumps(FACTS))
    with pytest.raises(ModelError, match="expected float"):
        open_session(str(tmp_path / "identity.onnx"), "cpu", 1)


def test_logits_that_are_not_numbers_are_told(tiny_model):
    session = open_session(str(tiny_model), "cpu", 1)
    nans = np.full((1, 21, 2, 2), np.nan, np.float32)
    session._runtime = types.SimpleNamespace(run=lambda tensor: [nans])
    with pytest.raises(ModelError, match="not all finite"):
        session.run(np.zeros((1, 3, 16, 16), np.float32))
