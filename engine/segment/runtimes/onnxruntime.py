"""Networks in onnxruntime, on a provider that was checked after loading."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.segment.runtimes.compiled import find_folder
from engine.segment.runtimes.runtime import Port

if TYPE_CHECKING:
    import onnxruntime as ort

_NAMES = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
}
_OUTER_FILES = "session.model_external_initializers_file_folder_path"
_MAPPED_FILES = Path("/proc/self/maps")


class OnnxRuntime:
    """A graph in onnxruntime."""

    def __init__(self, session: ort.InferenceSession, provider: str) -> None:
        self._session, self.provider = session, provider
        # DirectML takes one call at a time.
        self._turn = threading.Lock() if provider == "directml" else contextlib.nullcontext()
        self.inputs = [Port(port.name, port.type, port.shape) for port in session.get_inputs()]
        self.outputs = [Port(port.name, port.type, port.shape) for port in session.get_outputs()]

    @property
    def metadata(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self._session.get_modelmeta().custom_metadata_map
        return found

    def run(self, *tensors: NDArray[np.float32]) -> list[NDArray[Any]]:
        names = (port.name for port in self.inputs)
        fed = dict(zip(names, tensors, strict=True))
        with self._turn:
            outputs: list[NDArray[Any]] = self._session.run(None, fed)
        return outputs


def find_problem(provider: str) -> str:
    """Why this onnxruntime cannot have the provider, "" if it can."""
    import onnxruntime as ort

    if _NAMES[provider] in ort.get_available_providers():
        return ""
    return f"this onnxruntime {ort.__version__} has no {_plain(_NAMES[provider])} provider"


def load(data: bytes, provider: str, threads: int) -> OnnxRuntime:
    """A graph that really runs on the provider.

    Raises RuntimeError with the reason where it does not, and what onnxruntime raises.
    """
    if provider == "cpu":
        return OnnxRuntime(_create(data, threads, [_NAMES["cpu"]]), provider)
    import onnxruntime as ort

    with contextlib.suppress(AttributeError, OSError):
        ort.preload_dlls()  # CUDA and cuDNN from pip packages, where they are installed
    asked = [provider, "cuda"] if provider == "tensorrt" else [provider]
    providers = [(_NAMES[name], _options(name, data)) for name in asked]
    session = _create(data, threads, [*providers, _NAMES["cpu"]])
    found = session.get_providers()[0]
    if found != _NAMES[provider]:
        raise RuntimeError(f"onnxruntime took {_plain(found)}; a library is missing or too old")
    if provider == "cuda" and sys.platform == "linux" and not _has_cudnn():
        raise RuntimeError("cuDNN, which convolutions need, is not loaded")
    return OnnxRuntime(session, provider)


def _plain(name: str) -> str:
    """A provider as onnxruntime calls it, in short."""
    return name.removesuffix("ExecutionProvider")


def _has_cudnn() -> bool:
    return "libcudnn" in _MAPPED_FILES.read_text()


def _options(provider: str, data: bytes) -> dict[str, str]:
    """Of a provider for an .onnx file, which `data` is.

    What is compiled is kept in a folder for each file, because TensorRT and CoreML may take two
    networks of the same layers for the same one.
    """
    if provider == "cuda":
        return {
            # The default, EXHAUSTIVE, searches again for every new input shape: seconds each.
            "cudnn_conv_algo_search": "HEURISTIC",
            "arena_extend_strategy": "kSameAsRequested",
        }
    folder = find_folder(provider, data) if provider in ("tensorrt", "coreml") else None
    if provider == "coreml":
        cache = {"ModelCacheDirectory": str(folder)} if folder else {}
        return {"ModelFormat": "MLProgram", **cache}
    if folder is None:
        return {}
    return {
        "trt_engine_cache_enable": "1", "trt_engine_cache_path": str(folder),
        "trt_timing_cache_enable": "1", "trt_timing_cache_path": str(folder),
    }  # fmt: skip


def _create(data: bytes, threads: int, providers: list[Any]) -> ort.InferenceSession:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is raised, or compared above
    # Threads that spin after a run would steal the processor from the next stage.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_mem_pattern = _NAMES["directml"] not in providers[0]  # it cannot
    # A model is one file: what others in the current folder hold is not covered by its SHA-256.
    options.add_session_config_entry(_OUTER_FILES, os.devnull)
    # onnxruntime's own fallback would continue on the CPU in silence, also in the middle of a run.
    return ort.InferenceSession(data, options, providers=providers, enable_fallback=0)
