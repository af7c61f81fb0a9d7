"""Models and descriptions that a stranger made: each ends in one ModelError."""

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from engine.errors import ModelError
from engine.segment.session import Session, open_session
from tests.tiny_model import FACTS, tiny_graph, write_graph, write_tiny_model, write_zeros_model

TENSOR = np.zeros((1, 3, 64, 64), np.float32)


@pytest.mark.parametrize("shape", [(1, 21, 0, 8), (1, 21, 8, 0)])
@pytest.mark.slow
def test_logits_without_a_pixel_do_not_end_the_process(tmp_path, shape):
    # In a process of its own, because the kernels would read outside of such logits.
    path = write_zeros_model(tmp_path / "empty.onnx", shape)
    code = (
        "import engine, numpy, sys\n"
        "try: engine.load(sys.argv[1], 'cpu')(numpy.zeros((64, 64, 3), 'uint8'))\n"
        "except engine.ModelError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "expected float32 (1, 21, h, w)" in done.stdout


@pytest.mark.parametrize(
    ("shape", "dtype", "found"),
    [
        ((1, 0, 8, 8), np.float32, r"\(1, 0, 8, 8\)"),
        ((1, 22, 8, 8), np.float32, r"\(1, 22, 8, 8\)"),
        ((0, 21, 8, 8), np.float32, r"\(0, 21, 8, 8\)"),
        ((2, 21, 8, 8), np.float32, r"\(2, 21, 8, 8\)"),
        ((1, 21, 8), np.float32, r"\(1, 21, 8\)"),
        ((1, 21, 8, 8, 1), np.float32, r"\(1, 21, 8, 8, 1\)"),
        ((), np.float32, r"\(\)"),
        ((1, 21, 8, 8), np.float64, r"tensor\(double\)"),
        ((1, 21, 8, 8), np.float16, r"tensor\(float16\)"),
        ((1, 21, 8, 8), np.int64, r"tensor\(int64\)"),
        ((1, 21, 8, 8), np.bool_, r"tensor\(bool\)"),
        ((1, 21, 129, 128), np.float32, r"128 x 129.*64 x 64"),
    ],
)
def test_unfit_logits_are_refused(tmp_path, shape, dtype, found):
    path = write_zeros_model(tmp_path / "unfit.onnx", shape, dtype)
    with pytest.raises(ModelError, match=f"{found}.*expected") as caught:
        open_session(str(path), "cpu", 1).run(TENSOR)
    assert "\n" not in str(caught.value)


def test_logits_of_twice_the_inputs_sides_are_taken(tmp_path):
    path = write_zeros_model(tmp_path / "fine.onnx", (1, 21, 128, 128))
    assert open_session(str(path), "cpu", 1).run(TENSOR).shape == (1, 21, 128, 128)


def fixed_output(shape):
    """A graph whose output's shape is known before it runs."""
    zero = numpy_helper.from_array(np.zeros(1, np.float32))
    return helper.make_graph(
        [helper.make_node("ConstantOfShape", ["sizes"], ["out"], value=zero)],
        "fixed",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(np.array(shape, np.int64), "sizes")],
    )


@pytest.mark.parametrize("shape", [(1, 21, 8192, 8192), (1, 21, 8, 0)])
def test_logits_that_are_known_to_be_unfit_are_never_made(tmp_path, shape):
    path = write_graph(tmp_path / "fixed.onnx", fixed_output(shape))
    with pytest.raises(ModelError, match=r"output .*expected"):
        open_session(str(path), "cpu", 1)


def test_an_output_that_is_no_tensor_is_refused(tmp_path):
    graph = tiny_graph()
    graph.node.append(helper.make_node("SequenceConstruct", ["logits"], ["list"]))
    of_list = helper.make_tensor_sequence_value_info("list", TensorProto.FLOAT, None)
    graph.output[0].CopyFrom(of_list)
    path = write_graph(tmp_path / "list.onnx", graph)
    with pytest.raises(ModelError, match=r"output seq\(tensor\(float\)\).*expected"):
        open_session(str(path), "cpu", 1)


@pytest.mark.parametrize("sizes", [(1, 4, "h", "w"), (2, 3, "h", "w"), (1, 3, "h"), (1, 3, 0, 0)])
def test_an_input_that_no_photo_fits_is_refused(tmp_path, sizes):
    graph = helper.make_graph(
        [helper.make_node("Identity", ["input"], ["out"])],
        "identity",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, sizes)],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, sizes)],
    )
    path = write_graph(tmp_path / "unfit.onnx", graph)
    with pytest.raises(ModelError, match=r"input .*expected float \(1, 3, h, w\)"):
        open_session(str(path), "cpu", 1)


@pytest.mark.parametrize("text", [b"cartoonify", b"Apache-2.0", b"input"])
def test_text_that_is_not_utf_8_is_refused(tmp_path, text):
    path = write_tiny_model(tmp_path / "bytes.onnx")
    path.write_bytes(path.read_bytes().replace(text, b"\xff" * len(text)))
    with pytest.raises(ModelError, match="UTF-8"):
        open_session(str(path), "cpu", 1)


def test_onnxruntime_repeats_no_terminal_escapes_of_a_model(tmp_path):
    path = write_tiny_model(tmp_path / "escape.onnx")
    odd = b"\x1b[31mred" + b"d" * 3
    path.write_bytes(path.read_bytes().replace(b"AveragePool", odd))
    with pytest.raises(ModelError, match="cannot load it") as caught:
        open_session(str(path), "cpu", 1)
    assert str(caught.value).isprintable()


def test_onnxruntime_repeats_no_endless_names_of_a_model(tmp_path):
    graph = tiny_graph()
    graph.node[0].op_type = "Wrong"
    graph.node[0].name = "x" * 100_000
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (tmp_path / "long.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="cannot load it") as caught:
        open_session(str(tmp_path / "long.onnx"), "cpu", 1)
    assert len(str(caught.value)) < 1000


def test_weights_in_other_files_are_refused(tmp_path, monkeypatch):
    graph = tiny_graph()
    weight = graph.initializer[0]
    (tmp_path / "weights.bin").write_bytes(weight.raw_data)
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="weights.bin")
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"cartoonify": json.dumps(FACTS)})
    (tmp_path / "parts.onnx").write_bytes(model.SerializeToString())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="cannot load it"):
        open_session("parts.onnx", "cpu", 1)


def write_limited_model(folder, name, untouched, **changes):
    """A tiny model that is exact up to 32 x 32, and another one beyond."""
    limit = {"largest": [32, 32], "untouched": untouched}
    return write_tiny_model(folder / f"{name}.onnx", FACTS | limit | changes)


@pytest.mark.parametrize(
    "links", [{"a": "a"}, {"a": "b", "b": "a"}, {"a": "b", "b": "c", "c": "d"}]
)
def test_an_untouched_model_that_leads_on_is_refused(tmp_path, links):
    for name, untouched in links.items():
        write_limited_model(tmp_path, name, untouched)
    session = open_session("a", "cpu", 1, tmp_path)
    assert session.run(TENSOR[:, :, :32, :32]).shape == (1, 21, 4, 4)
    with pytest.raises(ModelError, match=r"untouched.*expected"):
        session.run(TENSOR)


@pytest.mark.parametrize(
    "changes", [{"classes": FACTS["classes"][::-1]}, {"mean": [1, 1, 1]}, {"channel_order": "BGR"}]
)
def test_an_untouched_model_with_other_facts_is_refused(tmp_path, changes):
    write_limited_model(tmp_path, "a", "b")
    write_tiny_model(tmp_path / "b.onnx", FACTS | changes)
    session = open_session("a", "cpu", 1, tmp_path)
    with pytest.raises(ModelError, match=f"untouched.*{next(iter(changes))}.*expected"):
        session.run(TENSOR)


def test_an_untouched_model_that_is_not_there_is_told(tmp_path):
    write_limited_model(tmp_path, "a", "b")
    with pytest.raises(ModelError, match="'b': no such name"):
        open_session("a", "cpu", 1, tmp_path).run(TENSOR)


def test_threads_load_the_untouched_model_once(tmp_path):
    write_limited_model(tmp_path, "a", "b")
    write_tiny_model(tmp_path / "b.onnx")
    small, large = (open_session(name, "cpu", 1, tmp_path) for name in "ab")
    started, opened = threading.Barrier(8), []

    def open_untouched():
        opened.append(threading.get_ident())
        time.sleep(0.1)  # for the others to come here as well, if nothing keeps them out
        return large

    session = Session(small._runtime, small.facts, 1, open_untouched)

    def run(_):
        started.wait()
        return session.run(TENSOR).shape

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(run, range(8))) == {(1, 21, 8, 8)}
    assert len(opened) == 1


def run_with_little_memory(path, megabytes_to_load, megabytes_to_run):
    """Loads and runs a model in a process whose memory is limited; what it prints."""
    code = """
import numpy, onnxruntime, platformdirs, resource, sys  # before memory is short
from engine.errors import ModelError
from engine.segment.session import open_session

def leave(megabytes):
    size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    limit = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (size + int(megabytes) * 2**20, limit))

tensor = numpy.zeros((1, 3, 2048, 2048), numpy.float32)
try:
    leave(sys.argv[2])
    session = open_session(sys.argv[1], "cpu", 1)
    leave(sys.argv[3])
    session.run(tensor)
except ModelError as error:
    print(error)
"""
    command = [sys.executable, "-c", code, path, str(megabytes_to_load), str(megabytes_to_run)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("megabytes", [1, 10])
def test_no_memory_for_the_network_is_one_line(tiny_model, megabytes):
    said = run_with_little_memory(tiny_model, 1000, megabytes)
    assert said.startswith("tiny: the network failed on cpu: not enough memory;")
    assert said.count("\n") == 1


@pytest.mark.parametrize("megabytes", [1, 40, 90, 150])
@pytest.mark.slow
def test_no_memory_for_a_model_is_one_line(tmp_path, megabytes):
    graph = tiny_graph()
    graph.initializer.append(numpy_helper.from_array(np.ones(20_000_000, np.float32), "large"))
    graph.node.append(helper.make_node("ReduceSum", ["large"], ["sum"], keepdims=0))
    graph.node.append(helper.make_node("Add", ["logits", "sum"], ["out"]))
    graph.output[0].name = "out"
    path = write_graph(tmp_path / "large.onnx", graph)
    said = run_with_little_memory(path, megabytes, 1000)
    assert "not enough memory" in said
    assert said.count("\n") == 1
