"""Which runtime runs a graph: the one that is asked for, or the best that works."""

from __future__ import annotations

import logging

from engine.errors import ModelError, OptionError, ProviderError
from engine.options import PROVIDERS
from engine.segment.runtimes import onnxruntime, openvino
from engine.segment.runtimes.runtime import Runtime, reason_of
from engine.versions import how_to_install

_AUTO = "cuda"
"""What "auto" takes where it works. OpenVINO gains too little for pictures that change because a
package was installed: docs/runtimes.md has the measurements."""
_GPU_PACKAGE = (
    "Replace onnxruntime by onnxruntime-gpu (pip uninstall onnxruntime; "
    "pip install 'onnxruntime-gpu[cuda,cudnn]')"
)
_HOW_TO_GET = {
    "cuda": f"{_GPU_PACKAGE}, check the driver with nvidia-smi",
    "tensorrt": f"{_GPU_PACKAGE}, install the TensorRT that it was built for",
    "openvino": f"Install it ({how_to_install('openvino')})",
    "coreml": "Install onnxruntime on macOS",
    "directml": "Replace onnxruntime by onnxruntime-directml on Windows",
}

log = logging.getLogger(__name__)


def check_provider(provider: str) -> None:
    """Raises OptionError for a name that is none of `PROVIDERS`."""
    if provider not in PROVIDERS:
        raise OptionError(f"provider {provider!r}: expected one of {', '.join(PROVIDERS)}.")


def find_problem(provider: str) -> str:
    """Why a provider other than "auto" is not there, "" if it is installed."""
    if provider == "openvino":
        return openvino.find_problem()
    return onnxruntime.find_problem(provider)


def open_runtime(data: bytes, model: str, provider: str, threads: int) -> Runtime:
    """A graph on the provider that is asked for; "auto" takes the best that works.

    `data` is an .onnx file, which messages call `model`. Where CUDA is there but does not work,
    "auto" says so and continues on the CPU.

    Raises
    ------
    ModelError
        onnxruntime cannot load the graph on the CPU either.
    ProviderError
        It can, but the provider that is asked for is not there or cannot run the graph.
    """
    if provider == "cpu":
        return _open_on_cpu(data, model, threads)
    name = _AUTO if provider == "auto" else provider
    load = openvino.load if name == "openvino" else onnxruntime.load
    missing = find_problem(name)
    problem = missing
    try:
        if not missing:
            return load(data, name, threads)
    except Exception as error:  # a runtime has a class for each of its states
        problem = reason_of(error)
    fallback = _open_on_cpu(data, model, threads)
    if provider != "auto":
        advice = f"{_HOW_TO_GET[name]}, or use {{}} cpu."
        raise ProviderError(f"{name}: {problem}.", option="provider", advice=advice)
    if not missing:
        log.warning("%s: %s; continuing on the CPU", name, problem)
    return fallback


def _open_on_cpu(data: bytes, model: str, threads: int) -> Runtime:
    try:
        return onnxruntime.load(data, "cpu", threads)
    except Exception as error:  # onnxruntime has a class for each of its states
        raise ModelError(f"{model}: onnxruntime cannot load it: {reason_of(error)}") from error
