"""Which runtime runs a graph: the one that is asked for, or the best that works."""

from __future__ import annotations

import logging

from engine.errors import ModelError, OptionError, ProviderError
from engine.segment.runtimes import onnxruntime
from engine.segment.runtimes.runtime import Runtime, reason_of

PROVIDERS = ("auto", "cpu", "cuda")
_BEST = ("cuda",)
"""What "auto" tries before the CPU."""
_HOW_TO_GET = {
    "cuda": "Replace onnxruntime by onnxruntime-gpu (pip uninstall onnxruntime; "
    "pip install 'onnxruntime-gpu[cuda,cudnn]'), check the driver with nvidia-smi, "
    "or use {} cpu."
}

log = logging.getLogger(__name__)


def check_provider(provider: str) -> None:
    """Raises OptionError for a name that is none of `PROVIDERS`."""
    if provider not in PROVIDERS:
        raise OptionError(f"provider {provider!r}: expected one of {', '.join(PROVIDERS)}.")


def open_runtime(data: bytes, model: str, provider: str, threads: int) -> Runtime:
    """A graph on the provider that is asked for; "auto" takes the best that works.

    `data` is an .onnx file, which messages call `model`. Where a provider is there but does not
    work, "auto" says so and continues.

    Raises
    ------
    ModelError
        onnxruntime cannot load the graph on the CPU either.
    ProviderError
        It can, but the provider that is asked for is not there or cannot run the graph.
    """
    problems = {}
    for name in _BEST if provider == "auto" else [provider]:
        if name == "cpu":
            continue
        problem = onnxruntime.find_problem(name)
        if problem and provider == "auto":
            continue
        try:
            if not problem:
                return onnxruntime.load(data, name, threads)
        except Exception as error:  # a runtime has a class for each of its states
            problem = reason_of(error)
        problems[name] = problem
    try:
        runtime = onnxruntime.load(data, "cpu", threads)
    except Exception as error:  # as above
        raise ModelError(f"{model}: onnxruntime cannot load it: {reason_of(error)}") from error
    for name, problem in problems.items():
        if provider != "auto":
            raise ProviderError(f"{name}: {problem}.", option="provider", advice=_HOW_TO_GET[name])
        log.warning("%s: %s; continuing without it", name, problem)
    return runtime
