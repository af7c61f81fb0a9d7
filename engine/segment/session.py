"""A model in onnxruntime, on a provider that was checked after loading."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import ModelError, OptionError, ProviderError
from engine.weights import ModelFacts, facts_from_metadata, find_model

if TYPE_CHECKING:
    import onnxruntime

PROVIDERS = ("auto", "cpu", "cuda")
_CUDA_OPTIONS = {
    # The default, EXHAUSTIVE, searches again for every new input shape: seconds each.
    "cudnn_conv_algo_search": "HEURISTIC",
    "arena_extend_strategy": "kSameAsRequested",
}
_HOW_TO_GET_CUDA = (
    "Replace onnxruntime by onnxruntime-gpu (pip uninstall onnxruntime; "
    "pip install 'onnxruntime-gpu[cuda,cudnn]'), check the driver with nvidia-smi, "
    "or use {} cpu."
)

_MAPPED_FILES = Path("/proc/self/maps")

log = logging.getLogger(__name__)


class Session:
    """A loaded segmentation network; `run` may be called from several threads."""

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        facts: ModelFacts,
        threads: int,
        open_untouched: Callable[[], Session],
    ) -> None:
        self._session = session
        self._open_untouched = open_untouched
        self.facts, self.threads = facts, threads
        self.provider = session.get_providers()[0].removesuffix("ExecutionProvider").lower()
        self._input_name = _check_graph(session, facts)

    def run(self, tensor: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits, float32 (1, C, h', w'), of a normalised input, float32 (1, 3, h, w).

        Beyond the facts' `largest` it is the untouched model that runs.
        """
        largest = self.facts.largest
        if largest and (tensor.shape[2] > largest[0] or tensor.shape[3] > largest[1]):
            return self._untouched.run(tensor)
        try:
            (logits,) = self._session.run(None, {self._input_name: tensor})
        except Exception as error:  # onnxruntime has a class for each of its states
            kind = ProviderError if self.provider == "cuda" else ModelError
            message = f"{self.facts.name}: the network failed on {self.provider}"
            raise kind(f"{message}: {_first_line(error)}") from error
        if logits.ndim != 4 or logits.shape[:2] != (1, len(self.facts.classes)):
            raise ModelError(
                f"{self.facts.name}: logits of shape {logits.shape}, wanted "
                f"(1, {len(self.facts.classes)}, h, w), one for each class of its description."
            )
        if not np.isfinite(logits).all():
            raise ModelError(f"{self.facts.name}: the logits are not all finite numbers.")
        return logits  # type: ignore[no-any-return]

    @cached_property
    def _untouched(self) -> Session:
        return self._open_untouched()


def open_session(model: str, provider: str, threads: int, cache: Path | None = None) -> Session:
    """Loads a model and checks that it runs where it should.

    Parameters
    ----------
    model : str
        A name of the manifest or the cache, "default", or the path of an .onnx file.
    provider : "auto", "cpu" or "cuda"
        "auto" takes CUDA where it works and logs what it took; "cuda" never falls back.
    threads : int
        Of onnxruntime's pool, at least 1.
    cache : Path
        The folder of exported models; None for `cache_folder()`.

    Raises
    ------
    OptionError, ModelError, ProviderError
    """
    if provider not in PROVIDERS:
        raise OptionError(f"provider {provider!r}: wanted one of {', '.join(PROVIDERS)}.")
    data, facts = find_model(model, cache)
    onnx_session = _load(data, model, provider, threads)
    if facts is None:
        facts = facts_from_metadata(onnx_session.get_modelmeta().custom_metadata_map, model)
    untouched = facts.untouched
    session = Session(
        onnx_session, facts, threads, lambda: open_session(untouched, provider, threads, cache)
    )
    log.info("%s runs on %s, %d threads", facts.name, session.provider, threads)
    return session


def _load(data: bytes, model: str, provider: str, threads: int) -> onnxruntime.InferenceSession:
    """On CUDA where it is wanted and works; "auto" goes on with the CPU and says so."""
    import onnxruntime as ort

    has_cuda = "CUDAExecutionProvider" in ort.get_available_providers()
    problem = f"this onnxruntime {ort.__version__} has no CUDA provider"
    if provider != "cpu" and has_cuda:
        session, problem = _try_cuda(data, threads)
        if session:
            return session
    try:
        session = _create(data, threads, ["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a class for each of its states
        raise ModelError(f"{model}: onnxruntime cannot load it: {_first_line(error)}") from error
    if provider == "cuda":
        raise ProviderError(f"cuda: {problem}.", option="provider", advice=_HOW_TO_GET_CUDA)
    if provider == "auto" and has_cuda:
        log.warning("cuda: %s; going on with the CPU", problem)
    return session


def _try_cuda(data: bytes, threads: int) -> tuple[onnxruntime.InferenceSession | None, str]:
    """A session that really runs on CUDA, or None and what is wrong."""
    import onnxruntime as ort

    with contextlib.suppress(AttributeError, OSError):
        ort.preload_dlls()  # CUDA and cuDNN from pip packages, where they are installed
    both = [("CUDAExecutionProvider", _CUDA_OPTIONS), "CPUExecutionProvider"]
    try:
        session = _create(data, threads, both)
    except Exception as error:  # onnxruntime has a class for each of its states
        return None, _first_line(error)
    if session.get_providers()[0] != "CUDAExecutionProvider":
        return None, "onnxruntime took the CPU, for a CUDA or cuDNN library is missing or too old"
    if sys.platform == "linux" and "libcudnn" not in _MAPPED_FILES.read_text():
        return None, "cuDNN, which convolutions need, is not loaded"
    return session, ""


def _create(data: bytes, threads: int, providers: list[Any]) -> onnxruntime.InferenceSession:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is raised, or compared above
    # Threads that spin after a run would steal the processor from the next stage.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # onnxruntime's own fallback would go on with the CPU in silence, also in the middle of a run.
    return ort.InferenceSession(data, options, providers=providers, enable_fallback=0)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _check_graph(session: onnxruntime.InferenceSession, facts: ModelFacts) -> str:
    """The name of the input, after checking that the graph is one the engine can feed."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelError(
            f"{facts.name}: {len(inputs)} inputs and {len(outputs)} outputs, wanted one of each."
        )
    if inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 4:
        raise ModelError(
            f"{facts.name}: input {inputs[0].type} {inputs[0].shape}, wanted float (1, 3, h, w)."
        )
    return str(inputs[0].name)
