"""Networks in onnxruntime, on a provider that was checked after loading."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.segment.runtimes.runtime import Port

if TYPE_CHECKING:
    import onnxruntime as ort

_CPU = "CPUExecutionProvider"
_NAMES = {"cpu": _CPU, "cuda": "CUDAExecutionProvider"}
_OPTIONS: dict[str, dict[str, str]] = {
    "cuda": {
        # The default, EXHAUSTIVE, searches again for every new input shape: seconds each.
        "cudnn_conv_algo_search": "HEURISTIC",
        "arena_extend_strategy": "kSameAsRequested",
    }
}
_OUTER_FILES = "session.model_external_initializers_file_folder_path"
_MAPPED_FILES = Path("/proc/self/maps")


class OnnxRuntime:
    """A graph in onnxruntime."""

    def __init__(self, session: ort.InferenceSession, provider: str) -> None:
        self._session, self.provider = session, provider
        self.inputs = [Port(port.name, port.type, port.shape) for port in session.get_inputs()]
        self.outputs = [Port(port.name, port.type, port.shape) for port in session.get_outputs()]

    @property
    def metadata(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self._session.get_modelmeta().custom_metadata_map
        return found

    def run(self, *tensors: NDArray[np.float32]) -> list[NDArray[Any]]:
        names = (port.name for port in self.inputs)
        outputs: list[NDArray[Any]] = self._session.run(
            None, dict(zip(names, tensors, strict=True))
        )
        return outputs


def find_problem(provider: str) -> str:
    """Why this onnxruntime cannot have the provider, "" if it can."""
    import onnxruntime as ort

    if _NAMES[provider] in ort.get_available_providers():
        return ""
    return f"this onnxruntime {ort.__version__} has no {provider.upper()} provider"


def load(data: bytes, provider: str, threads: int) -> OnnxRuntime:
    """A graph that really runs on the provider.

    Raises RuntimeError with the reason where it does not, and what onnxruntime raises.
    """
    if provider == "cpu":
        return OnnxRuntime(_create(data, threads, [_CPU]), provider)
    import onnxruntime as ort

    with contextlib.suppress(AttributeError, OSError):
        ort.preload_dlls()  # CUDA and cuDNN from pip packages, where they are installed
    session = _create(data, threads, [(_NAMES[provider], _OPTIONS[provider]), _CPU])
    if session.get_providers()[0] != _NAMES[provider]:
        raise RuntimeError(
            "onnxruntime took the CPU; a CUDA or cuDNN library is missing or too old"
        )
    if sys.platform == "linux" and "libcudnn" not in _MAPPED_FILES.read_text():
        raise RuntimeError("cuDNN, which convolutions need, is not loaded")
    return OnnxRuntime(session, provider)


def _create(data: bytes, threads: int, providers: list[Any]) -> ort.InferenceSession:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is raised, or compared above
    # Threads that spin after a run would steal the processor from the next stage.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # A model is one file: what others in the current folder hold is not covered by its SHA-256.
    options.add_session_config_entry(_OUTER_FILES, os.devnull)
    # onnxruntime's own fallback would continue on the CPU in silence, also in the middle of a run.
    return ort.InferenceSession(data, options, providers=providers, enable_fallback=0)
