"""Networks in OpenVINO, on the processor, after onnxruntime has checked them."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import io
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.segment.runtimes import compiled, onnxruntime
from engine.segment.runtimes.runtime import Runtime

if TYPE_CHECKING:
    import openvino as ov

_DEVICE, _FILE = "CPU", "cpu.blob"
_SETTINGS = {
    "PERFORMANCE_HINT": "LATENCY",
    "INFERENCE_PRECISION_HINT": "f32",  # otherwise it takes bf16 by itself where it can
    # Several processes would pin their threads to the same processors, while others stand idle.
    "ENABLE_CPU_PINNING": False,
}


class OpenVino:
    """A graph in OpenVINO, with the ports and metadata that onnxruntime has found in it."""

    provider = "openvino"

    def __init__(self, network: ov.CompiledModel, checked: Runtime) -> None:
        self._network = network
        self.inputs, self.outputs = checked.inputs, checked.outputs
        self.metadata: Mapping[str, str] = {}
        with contextlib.suppress(UnicodeDecodeError):
            self.metadata = checked.metadata
        # One for each thread that runs at the same time: a request is used by one at a time.
        self._idle: deque[ov.InferRequest] = deque()

    def run(self, *tensors: NDArray[np.float32]) -> list[NDArray[Any]]:
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._network.create_infer_request()
        names = (port.name for port in self.inputs)
        found = request.infer(dict(zip(names, tensors, strict=True)), share_inputs=True)
        self._idle.append(request)
        return [found[port.name] for port in self.outputs]


def find_problem() -> str:
    """Why OpenVINO cannot be had, "" if it can."""
    return "" if importlib.util.find_spec("openvino") else "OpenVINO is not installed"


def load(data: bytes, provider: str, threads: int) -> OpenVino:
    """A graph for inputs of any size. Raises what onnxruntime and OpenVINO raise."""
    # OpenVINO alone would read a graph's weights from any file on the disk.
    checked = onnxruntime.load(data, "cpu", threads)
    return OpenVino(_compile(data, threads), checked)


def _compile(data: bytes, threads: int) -> ov.CompiledModel:
    import openvino as ov

    core, settings = _find_core(), {**_SETTINGS, "INFERENCE_NUM_THREADS": threads}
    folder = compiled.find_folder("openvino", data)
    # The number of threads is not compiled into it.
    key = repr((ov.__version__, core.get_property(_DEVICE, "FULL_DEVICE_NAME"), _SETTINGS))
    blob = compiled.read(folder / _FILE, key) if folder else None
    if blob is not None:
        with contextlib.suppress(RuntimeError):
            return core.import_model(io.BytesIO(blob), _DEVICE, settings)
    network = core.compile_model(core.read_model(data), _DEVICE, settings)
    if folder:
        compiled.write(folder / _FILE, key, network.export_model().getvalue())
    return network


@functools.cache
def _find_core() -> ov.Core:
    """One that is never dropped.

    It gives the thread that it is made in a stack for signals, and frees that stack when it is
    dropped, also where another thread drops it: the next signal would end the process.
    """
    import openvino as ov

    return ov.Core()
