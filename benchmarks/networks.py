"""Networks in torch, OpenVINO and onnxruntime, and what surrounds the embedded one."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

import engine
from benchmarks.portrait import portrait
from benchmarks.rows import Row, faster
from benchmarks.setting import Setting
from benchmarks.turns import median_ms
from engine.segment.preprocess import classic_resize, resize, to_tensor
from engine.segment.runtimes.choice import open_runtime
from engine.segment.runtimes.runtime import Runtime
from engine.weights import find_model, models_folder
from export.checkpoint import load_weights
from export.graphs.quantise import calibrate, quantise
from export.graphs.to_onnx import to_logits_graph
from export.network import LogitsOnly, find_recipe
from export.vision import segmentation

EMBEDDED = "deeplabv3plus_mobilenet_v2"
TORCHVISION = {
    "deeplabv3_mobilenet_v3_large": segmentation.deeplabv3_mobilenet_v3_large,
    "deeplabv3_resnet101": segmentation.deeplabv3_resnet101,
}
NETWORKS = (
    (EMBEDDED, 25, ">= 5"),
    ("deeplabv3_mobilenet_v3_large", 15, ""),
    ("deeplabv3_resnet101", 5, ">= 6"),
)
"""Name, rounds, and what the int8 graph should gain over torch."""
PHOTO = (450, 600)
ON_OPENVINO = ", provider openvino"
TOLERANCE = 1e-3  # of the largest logit, between float32 runs of one network


def measure(setting: Setting) -> Iterator[Row]:
    """Rows of this section."""
    yield from _around_the_network(setting)
    yield from _to_photo_size(setting)
    for name, rounds, target in setting.few(NETWORKS):
        yield from _compare_runtimes(name, setting, rounds, target)


def photo_of(height: int, width: int) -> NDArray[np.uint8]:
    """The portrait as a photo is shrunk."""
    return portrait(height, width, cv2.INTER_AREA)


def _around_the_network(setting: Setting) -> Iterator[Row]:
    photo = photo_of(*PHOTO)
    soft_and_classic: dict[str, Any] = {
        "cutout": engine.CutoutOptions(edges="soft"), "cartoon": engine.CartoonOptions("classic"),
    }  # fmt: skip
    for name, options, target in (
        ("", {}, "<= 0.30"), (", classic and soft edges", soft_and_classic, "<= 0.45")
    ):  # fmt: skip
        timings: dict[str, list[float]] = {"network": [], "rest": []}
        with engine.load(provider="cpu", **options) as app:
            assert 0.2 < app(photo).share < 0.6
            for _ in range(setting.rounds(60)):
                stages = app(photo).timings
                timings["network"].append(stages.pop("network") / 1e3)
                timings["rest"].append(sum(stages.values()) / 1e3)
        what = f"everything but the network, 450 x 600{name}"
        yield faster(timings, "rest", "network", what, "the embedded network", target)


def _to_photo_size(setting: Setting) -> Iterator[Row]:
    with engine.load(provider="cpu") as app:
        for size, name, rounds in ((PHOTO, "450 x 600", 21), ((3000, 4000), "12 MP", 3)):
            yield from _enlarge(app, setting, setting.size(*size), name, rounds)


def _enlarge(
    app: engine.Cartoonifier, setting: Setting, size: tuple[int, int], name: str, rounds: int
) -> Iterator[Row]:
    facts, session = app.model, app._open_session
    found = app.find(photo_of(*size))
    result = app.draw(found)
    soft = app.replace(cutout=engine.CutoutOptions(edges="soft", clean=False))

    def ours(app: engine.Cartoonifier) -> Any:
        alpha, _ = app._find_matte(found, session)
        fresh = replace(result, alpha=alpha)  # nothing computed before
        return fresh.label_map, fresh.probability, fresh.alpha

    def full_size() -> Any:
        with torch.no_grad():
            return _upsample_all(result.logits, size, facts.align_corners)

    (labels, *shares), (expected, *expected_shares) = ours(soft), full_size()
    assert (labels == expected).mean() > 0.9999
    for got, share in zip(shares, expected_shares, strict=True):
        # The engine upsamples probabilities, the others' are those of upsampled logits.
        assert np.abs(got - share).mean() < 0.01
    contenders = {"soft": lambda: ours(soft), "refined": lambda: ours(app), "torch": full_size}
    seconds = setting.in_turns(contenders, rounds, pause=True)
    against = "torch: 21 channels upsampled, softmax, argmax, blur"
    for edges, target in (("soft", ">= 15"), ("refined", "")):
        what = f"logits to label map, probability and {edges} alpha, {name}"
        yield faster(seconds, edges, "torch", what, against, target)


def _upsample_all(logits: np.ndarray, size: tuple[int, int], align_corners: bool) -> Any:
    full = torch.nn.functional.interpolate(
        torch.from_numpy(logits), size=size, mode="bilinear", align_corners=align_corners
    )[0]
    probability = full.softmax(0)[15].numpy()
    mask = np.where(probability > 0.5, 255, 0).astype(np.uint8)
    return full.argmax(0).numpy(), probability, cv2.GaussianBlur(mask, (7, 7), 0) / np.float32(255)


def _compare_runtimes(name: str, setting: Setting, rounds: int, target: str) -> Iterator[Row]:
    network, tensor, models = prepare(name)
    graphs = {kind: model.SerializeToString() for kind, model in models.items()}
    torch_tensor = torch.from_numpy(tensor)
    runs: dict[str, Callable[[], Any]] = {"torch": lambda: _run(network, torch_tensor)}
    turned = torch_tensor.contiguous(memory_format=torch.channels_last)
    runs["torch, channels-last"] = lambda: _run(network, turned)
    for kind, graph in graphs.items():
        runs[f"engine's {kind}"] = partial(_infer, open_session(graph, setting.threads), tensor)
    if importlib.util.find_spec("openvino"):
        for kind in graphs:
            runs[f"OpenVINO {kind}"] = _open_vino(graphs[kind], tensor, setting.threads)
            runtime = open_runtime(graphs[kind], name, "openvino", setting.threads)
            runs[f"engine's {kind}{ON_OPENVINO}"] = partial(_first_of, runtime, tensor)
    _check(runs, network, torch_tensor)
    seconds = setting.in_turns(runs, rounds, pause=True)
    operations = _count_operations(network, torch_tensor) / 1e9
    for kind, best in (("int8", "int8_gops"), ("float32", "float32_gflops")):
        ours = f"engine's {kind}"
        share = operations / (median_ms(seconds[ours]) / 1e3) / setting.limits[best]
        for theirs in runs:
            if theirs != ours and not (kind == "float32" and theirs.startswith("engine's int8")):
                is_target = kind == "int8" and theirs == "torch"
                yield faster(
                    seconds, ours, theirs, f"{name}, {kind}", theirs, target if is_target else "",
                    f"{share:.0%} of the machine's best product" if is_target else "",
                )  # fmt: skip
        if ours + ON_OPENVINO in runs:
            yield faster(
                seconds, ours + ON_OPENVINO, f"OpenVINO {kind}", f"{name}, {kind}{ON_OPENVINO}",
                f"OpenVINO {kind}, compiled for this size alone",
                ">= 1" if (name, kind) == (EMBEDDED, "int8") else "",
            )  # fmt: skip


def prepare(
    name: str, size: tuple[int, int] = PHOTO
) -> tuple[Any, np.ndarray, dict[str, onnx.ModelProto]]:
    """The torch network, its input, and the graphs of it in float32 and int8.

    torchvision's have random weights, an auxiliary head, and are quantised in every part after one
    photo: to be timed, not judged. The embedded one is as it is delivered.
    """
    recipe = find_recipe(name)
    if name == EMBEDDED:
        network = recipe.build()
        load_weights(network, recipe, "default")
        paths = {"float32": f"{name}.onnx", "int8": f"{name}_int8.onnx"}
        graphs = {kind: onnx.load(models_folder() / path) for kind, path in paths.items()}
        _, facts = find_model("default")
        assert facts is not None
        return network.eval(), to_tensor(resize(photo_of(*PHOTO), (449, 577)), facts), graphs
    network = TORCHVISION[name](weights=None, weights_backbone=None, num_classes=21, aux_loss=True)
    load_weights(network, recipe, "none")
    _, facts = find_model("default")
    assert facts is not None
    tensor = to_tensor(classic_resize(photo_of(*PHOTO), size), facts)
    graph = to_logits_graph(network)
    return network.eval(), tensor, {
        "float32": graph, "int8": quantise(graph, calibrate(graph, [tensor])),
    }  # fmt: skip


def _run(network: Any, tensor: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        logits: np.ndarray = network(tensor)["out"].numpy()
    return logits


def _first_of(runtime: Runtime, tensor: np.ndarray) -> np.ndarray:
    return runtime.run(tensor)[0]


def _infer(session: ort.InferenceSession, tensor: np.ndarray) -> np.ndarray:
    logits: np.ndarray = session.run(None, {"input": tensor})[0]
    return logits


def open_session(graph: bytes, threads: int, spin: str = "0") -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", spin)
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _open_vino(graph: bytes, tensor: np.ndarray, threads: int) -> Callable[[], np.ndarray]:
    import openvino

    core = openvino.Core()
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",  # otherwise it takes bf16 by itself where it can
    }
    model = core.read_model(graph)
    model.reshape(tensor.shape)
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    return lambda: next(iter(request.infer({0: tensor}).values()))


def _check(runs: dict[str, Callable[[], Any]], network: Any, tensor: torch.Tensor) -> None:
    """float32 runs agree in their logits at low resolution, int8 ones roughly."""
    with torch.no_grad():
        expected = LogitsOnly(network)(tensor).numpy()
    for name, run in runs.items():
        if name.startswith("torch"):
            continue
        logits = run()
        if "int8" in name:
            alike = np.corrcoef(logits.ravel(), expected.ravel())[0, 1]
            assert alike > 0.7, f"{name}: logits correlate by {alike:.2f} only"
        else:
            error = np.abs(logits - expected).max() / np.abs(expected).max()
            assert error < TOLERANCE, f"{name}: {error:.1e} of the largest logit off"


def _count_operations(network: Any, tensor: torch.Tensor) -> int:
    """Multiplications and additions of the network without an auxiliary head, padding counted."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        LogitsOnly(network)(tensor)
    return int(counter.get_total_flops())
