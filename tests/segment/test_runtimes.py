"""Runtimes: each gives what onnxruntime gives on the CPU, or says why it cannot."""

import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from onnx import TensorProto, helper

import engine
from engine.errors import ModelError, ProviderError
from engine.segment.runtimes import choice, compiled
from engine.segment.runtimes import onnxruntime as onnxruntime_module
from engine.segment.runtimes.choice import open_runtime
from engine.segment.session import open_session
from tests.tiny_model import FACTS, tiny_graph, write_tiny_model, write_zeros_model

needs_openvino = pytest.mark.skipif(
    importlib.util.find_spec("openvino") is None, reason="needs the openvino extra"
)
TENSOR = np.random.default_rng(0).standard_normal((1, 3, 64, 80)).astype(np.float32)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The folder of compiled networks."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "cartoonify" / "compiled"


def to_bytes(graph):
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


def sums_and_products():
    """Two inputs and two outputs, whose names are in no alphabetical order."""
    port = helper.make_tensor_value_info
    sizes = [1, 3, "h", "w"]
    return to_bytes(
        helper.make_graph(
            [
                helper.make_node("Mul", ["z", "a"], ["second"]),
                helper.make_node("Sub", ["z", "a"], ["first"]),
            ],
            "two",
            [port("z", TensorProto.FLOAT, sizes), port("a", TensorProto.FLOAT, sizes)],
            [port("second", TensorProto.FLOAT, sizes), port("first", TensorProto.FLOAT, sizes)],
        )
    )


@pytest.mark.parametrize("provider", ["cpu", pytest.param("openvino", marks=needs_openvino)])
def test_tensors_go_in_and_come_out_in_the_order_of_the_graph(provider):
    runtime = open_runtime(sums_and_products(), "two", provider, 1)
    assert [port.name for port in runtime.inputs] == ["z", "a"]
    assert [port.name for port in runtime.outputs] == ["second", "first"]
    product, difference = runtime.run(TENSOR, TENSOR + 1)
    assert_allclose(product, TENSOR * (TENSOR + 1), rtol=1e-6)
    assert_array_equal(difference, TENSOR - (TENSOR + 1))


@needs_openvino
def test_openvino_runs_a_model_as_onnxruntime_does(tiny_model):
    ours, theirs = (open_session(str(tiny_model), name, 1) for name in ("cpu", "openvino"))
    assert theirs.provider == "openvino"
    assert theirs.facts == ours.facts
    assert_allclose(theirs.run(TENSOR), ours.run(TENSOR), atol=1e-5)


@needs_openvino
@pytest.mark.parametrize(
    ("model", "error", "differing"),
    [("deeplabv3plus_mobilenet_v2", 1e-4, 0), ("default", 0.1, 0.05)],
)
def test_openvino_runs_the_embedded_networks_as_onnxruntime_does(
    astronaut, model, error, differing
):
    both = [engine.load(model, provider=name)(astronaut) for name in ("cpu", "openvino")]
    ours, theirs = (result.logits for result in both)
    assert np.abs(theirs - ours).max() <= error * np.abs(ours).max()
    ours, theirs = (result.label_map for result in both)
    assert (ours != theirs).mean() <= differing


@needs_openvino
def test_openvino_gives_the_same_for_any_number_of_threads_and_callers(tiny_model):
    wide = np.ascontiguousarray(TENSOR.transpose(0, 1, 3, 2))
    one, two = (open_session(str(tiny_model), "openvino", n) for n in (1, 2))
    expected = [one.run(TENSOR), one.run(wide)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(two.run, [TENSOR, wide] * 8))
    for index, logits in enumerate(found):
        assert_array_equal(logits, expected[index % 2])


@needs_openvino
def test_openvino_gets_its_threads_and_computes_in_float32(tiny_model):
    import openvino

    for _ in range(2):  # compiled, and then as it was kept
        session = open_session(str(tiny_model), "openvino", 1)
        network = session._runtime._network
        assert network.get_property("INFERENCE_NUM_THREADS") == 1
        assert network.get_property("INFERENCE_PRECISION_HINT") == openvino.Type.f32
        assert not network.get_property("ENABLE_CPU_PINNING")


@needs_openvino
def test_openvino_takes_no_weights_from_other_files(tmp_path, monkeypatch):
    graph = tiny_graph()
    weight = graph.initializer[0]
    (tmp_path / "weights.bin").write_bytes(weight.raw_data)
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value=str(tmp_path / "weights.bin"))
    (tmp_path / "parts.onnx").write_bytes(to_bytes(graph))
    (tmp_path / "parts.json").write_text(json.dumps(FACTS))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="cannot load it"):
        open_session("parts.onnx", "openvino", 1)


@needs_openvino
def test_a_model_that_is_no_onnx_is_not_openvinos_fault(tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"not an onnx file")
    with pytest.raises(ModelError, match="onnxruntime cannot load it"):
        open_session(str(tmp_path / "bad.onnx"), "openvino", 1)


@needs_openvino
def test_a_model_without_facts_is_told_on_openvino_too(tmp_path):
    path = write_tiny_model(tmp_path / "bytes.onnx")
    path.write_bytes(path.read_bytes().replace(b"Apache-2.0", b"\xff" * 10))
    with pytest.raises(ModelError, match="nothing describes this model"):
        open_session(str(path), "openvino", 1)


@needs_openvino
def test_unfit_logits_of_openvino_are_refused(tmp_path):
    path = write_zeros_model(tmp_path / "unfit.onnx", (1, 22, 8, 8))
    with pytest.raises(ModelError, match=r"\(1, 22, 8, 8\).*expected"):
        open_session(str(path), "openvino", 1).run(TENSOR)


@needs_openvino
def test_why_a_run_failed_on_openvino_is_told_in_one_line():
    graph = tiny_graph()
    for side, size in zip(graph.input[0].type.tensor_type.shape.dim[2:], (32, 32), strict=True):
        side.dim_value = size
    runtime = open_runtime(to_bytes(graph), "small", "openvino", 1)
    with pytest.raises(RuntimeError) as caught:
        runtime.run(TENSOR)
    reason = choice.reason_of(caught.value)
    assert "are incompatible" in reason
    assert reason.isprintable()
    runtime.run(np.zeros((1, 3, 32, 32), np.float32))  # as before


@needs_openvino
def test_a_network_is_compiled_once_on_a_machine(tiny_model, cache, monkeypatch):
    import openvino

    counted = []
    real = openvino.Core.compile_model

    def count(*arguments):
        counted.append(1)
        return real(*arguments)

    monkeypatch.setattr(openvino.Core, "compile_model", count)
    first, second = (open_session(str(tiny_model), "openvino", n).run(TENSOR) for n in (1, 2))
    assert_array_equal(first, second)
    assert len(counted) == 1
    (blob,) = cache.rglob("*.blob")
    assert blob.parent.stat().st_mode & 0o777 == 0o700
    whole = blob.read_bytes()
    changed = bytearray(whole)
    changed[-7] ^= 1
    for damaged in (b"", whole[:-1], bytes(changed), b"\n", whole.replace(b"\n", b"", 1)):
        blob.write_bytes(damaged)
        counted.clear()
        for _ in range(2):
            assert_array_equal(open_session(str(tiny_model), "openvino", 1).run(TENSOR), first)
        assert len(counted) == 1
    monkeypatch.setattr(openvino, "__version__", "another")
    open_session(str(tiny_model), "openvino", 1)
    assert len(counted) == 2


@needs_openvino
def test_what_openvino_does_not_understand_is_compiled_again(tiny_model, monkeypatch):
    expected = open_session(str(tiny_model), "openvino", 1).run(TENSOR)
    monkeypatch.setattr(compiled, "read", lambda path, key: b"whole, but of another kind")
    assert_array_equal(open_session(str(tiny_model), "openvino", 1).run(TENSOR), expected)


@needs_openvino
def test_openvino_runs_where_nothing_can_be_kept(tiny_model, cache):
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder should be")
    assert open_session(str(tiny_model), "openvino", 1).run(TENSOR).shape == (1, 21, 8, 10)


def test_a_folder_that_others_may_write_to_is_not_used(cache):
    folder = compiled.find_folder("openvino", b"model")
    assert folder is not None
    assert folder.is_relative_to(cache)
    folder.chmod(0o770)
    assert compiled.find_folder("openvino", b"model") is None
    assert compiled.find_folder("openvino", b"another model") not in (None, folder)


def test_what_is_compiled_is_read_under_its_key_alone(tmp_path):
    path = tmp_path / "blob"
    assert compiled.read(path, "key") is None
    compiled.write(path, "key", b"da\nta")
    assert compiled.read(path, "key") == b"da\nta"
    assert compiled.read(path, "another") is None
    compiled.write(tmp_path, "key", b"data")  # a folder: it is not kept, and nothing is raised
    assert compiled.read(tmp_path, "key") is None


def test_openvino_that_is_not_installed_is_told(tiny_model, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ProviderError, match=r"not installed.*\[openvino\].*or use provider cpu"):
        open_session(str(tiny_model), "openvino", 1)


def test_openvino_that_does_not_work_is_told(tiny_model, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ProviderError, match=r"openvino: import of openvino halted"):
        open_session(str(tiny_model), "openvino", 1)


def test_openvino_is_loaded_only_where_it_is_asked_for(tiny_model):
    code = (
        "import engine, sys\n"
        "app = engine.load(sys.argv[1])\n"
        "print(app.provider, 'openvino' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tiny_model)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() in (["cpu", "False"], ["cuda", "False"])


class StandIn:
    """onnxruntime as if it had a provider, which really is the CPU."""

    def __init__(self, monkeypatch, name, takes=None):
        self.real, self.name = onnxruntime.InferenceSession, name
        self.takes = takes or name
        monkeypatch.setattr(
            onnxruntime, "get_available_providers", lambda: [name, "CPUExecutionProvider"]
        )
        monkeypatch.setattr(onnxruntime, "InferenceSession", self.create)

    def create(self, data, options, providers, **settings):
        session = self.real(data, options, providers=["CPUExecutionProvider"], **settings)
        if providers != ["CPUExecutionProvider"]:
            self.asked, self.options = providers, options
            session.get_providers = lambda: [self.takes, "CPUExecutionProvider"]
        return session


def test_tensorrt_falls_back_on_cuda_alone_and_keeps_its_engines(tiny_model, monkeypatch, cache):
    stand_in = StandIn(monkeypatch, "TensorrtExecutionProvider")
    session = open_session(str(tiny_model), "tensorrt", 1)
    assert session.provider == "tensorrt"
    assert session.run(TENSOR).shape == (1, 21, 8, 10)
    (first, options), (second, _), last = stand_in.asked
    assert first == "TensorrtExecutionProvider"
    assert (second, last) == ("CUDAExecutionProvider", "CPUExecutionProvider")
    assert options["trt_engine_cache_enable"] == "1"
    assert options["trt_engine_cache_path"].startswith(str(cache / "tensorrt"))
    assert os.path.isdir(options["trt_engine_cache_path"])


def test_coreml_keeps_what_it_compiles_in_a_folder_for_each_model(
    tmp_path, tiny_model, monkeypatch, cache
):
    stand_in = StandIn(monkeypatch, "CoreMLExecutionProvider")
    seven = write_tiny_model(tmp_path / "seven.onnx", classes=7)
    folders = set()
    for path in (tiny_model, seven):
        assert open_session(str(path), "coreml", 1).provider == "coreml"
        folders.add(stand_in.asked[0][1]["ModelCacheDirectory"])
    assert len(folders) == 2
    assert all(folder.startswith(str(cache / "coreml")) for folder in folders)


@pytest.mark.parametrize("provider", ["tensorrt", "coreml"])
def test_nothing_is_kept_where_it_cannot_be(tiny_model, monkeypatch, cache, provider):
    cache.parent.mkdir(parents=True)
    cache.touch()
    stand_in = StandIn(monkeypatch, onnxruntime_module._NAMES[provider])
    assert open_session(str(tiny_model), provider, 1).provider == provider
    assert not any("cache" in name.lower() for name in stand_in.asked[0][1])


def test_directml_takes_one_call_at_a_time(tiny_model, monkeypatch):
    stand_in = StandIn(monkeypatch, "DmlExecutionProvider")
    session = open_session(str(tiny_model), "directml", 1)
    assert session.provider == "directml"
    assert not stand_in.options.enable_mem_pattern
    running, most, lock = 0, 0, threading.Lock()

    def run(_, fed):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1
        return [np.zeros((1, 21, 8, 10), np.float32)]

    monkeypatch.setattr(session._runtime._session, "run", run)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(session.run, [TENSOR] * 8))
    assert most == 1


@pytest.mark.parametrize("provider", ["tensorrt", "coreml", "directml"])
def test_a_provider_that_silently_became_another_is_an_error(tiny_model, monkeypatch, provider):
    name = onnxruntime_module._NAMES[provider]
    StandIn(monkeypatch, name, takes="CPUExecutionProvider")
    with pytest.raises(ProviderError, match=f"{provider}: onnxruntime took CPU;"):
        open_session(str(tiny_model), provider, 1)


@pytest.mark.parametrize("provider", ["cuda", "tensorrt", "coreml", "directml"])
def test_a_provider_that_this_onnxruntime_lacks_is_an_error(tiny_model, monkeypatch, provider):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(ProviderError, match=rf"^{provider}: .* has no .*, or use provider cpu"):
        open_session(str(tiny_model), provider, 1)


def test_another_runtime_is_another_setting(tiny, monkeypatch):
    cpu = tiny.settings
    monkeypatch.setattr(tiny._open_session, "provider", "openvino")
    assert tiny.settings == cpu | {"provider": "openvino"}


LOADED_AND_DROPPED = """
import signal, sys, threading
from engine.segment.session import open_session
sessions = [open_session(sys.argv[1], "openvino", 1)]
thread = threading.Thread(target=sessions.clear)
thread.start()
thread.join()
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("stopped")
"""


@needs_openvino
def test_ctrl_c_still_stops_after_another_thread_has_dropped_an_openvino_session(tiny_model):
    command = [sys.executable, "-c", LOADED_AND_DROPPED, str(tiny_model)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "stopped\n"), done.stderr
