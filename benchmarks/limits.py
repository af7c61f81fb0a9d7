"""What the machine can do at best, measured in the same run as the rest."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import cpuinfo
import numpy as np
import onnxruntime as ort
import torch
from onnx import TensorProto, helper

PACKAGES = (
    "cartoonify-engine", "onnxruntime", "numpy", "numba", "opencv-python-headless", "Pillow",
    "torch", "torchvision", "openvino", "scipy",
)  # fmt: skip
FEATURES = (
    "avx2",
    "fma",
    "avx512f",
    "avx512bw",
    "avx512vbmi",
    "avx512_vnni",
    "avx512_bf16",
    "amx_int8",
)
SIDE, ROUNDS = 1536, 9


def describe_machine(threads: int) -> dict[str, Any]:
    """Processor, its features that matter here, threads and versions."""
    info = cpuinfo.get_cpu_info()
    flags = set(info.get("flags", ()))
    return {
        "processor": info.get("brand_raw", platform.processor()),
        "features": [name for name in FEATURES if name in flags],
        "threads": threads,
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
    }


def measure_limits(threads: int) -> dict[str, float]:
    """Best GFLOP/s of a float32 matrix product, Gop/s of an int8 one, GB/s of a copy."""
    a = np.random.default_rng(0).random((SIDE, SIDE), np.float32)
    operations = 2 * SIDE**3 / 1e9
    tensor = torch.from_numpy(a)
    float32 = max(
        operations / _best_second(lambda: torch.mm(tensor, tensor)),
        operations / _best_second(lambda: a @ a),
    )
    time.sleep(0.2)  # torch's threads spin
    session = _int8_product(threads)
    left = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE), np.uint8)
    int8 = operations / _best_second(lambda: session.run(None, {"a": left}))
    source = np.ones(64 << 20, np.uint8)
    target = np.empty_like(source)
    copied = 2 * source.nbytes / 1e9  # read and written
    return {
        "float32_gflops": float32,
        "int8_gops": int8,
        "copy_gb_per_s": copied / _best_second(lambda: np.copyto(target, source)),
    }


def _best_second(run: Callable[[], Any]) -> float:
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.quantiles(seconds, n=10)[0]


def _int8_product(threads: int) -> ort.InferenceSession:
    weights = np.random.default_rng(1).integers(-64, 64, (SIDE, SIDE), np.int8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "b"], ["c"])],
        "product",
        [helper.make_tensor_value_info("a", TensorProto.UINT8, (SIDE, SIDE))],
        [helper.make_tensor_value_info("c", TensorProto.INT32, (SIDE, SIDE))],
        [helper.make_tensor("b", TensorProto.INT8, (SIDE, SIDE), weights.tobytes(), raw=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    return ort.InferenceSession(model.SerializeToString(), options)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
