"""A model in onnxruntime, on a provider that was checked after loading."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import ModelError, OptionError, ProviderError
from engine.once import computed_once
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

LOGITS_PER_PIXEL = 4
"""Of the input, for each class. Networks answer at the size of their input or a coarser one; this
is twice its sides."""
MAX_LOGITS = 1 << 28
"""In all: a gibibyte, and the softmax takes as much again."""
_SAME_FACTS = ("mean", "std", "channel_order", "classes", "align_corners")
_NO_MEMORY = ("bad_alloc", "bad allocation", "Failed to allocate memory")
_MAX_REASON = 300
_SEE = "See docs/models.md."

_OUTER_FILES = "session.model_external_initializers_file_folder_path"
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
            problem = _find_problem(logits, tensor.shape, len(self.facts.classes))
        except Exception as error:  # onnxruntime has a class for each of its states
            kind = ProviderError if self.provider == "cuda" else ModelError
            message = f"{self.facts.name}: the network failed on {self.provider}"
            raise kind(f"{message}: {reason_of(error)}") from error
        if problem:
            raise ModelError(f"{self.facts.name}: {problem}. {_SEE}")
        return logits  # type: ignore[no-any-return]

    @computed_once
    def _untouched(self) -> Session:
        untouched = self._open_untouched()
        _check_untouched(untouched.facts, self.facts)
        return untouched


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
        raise OptionError(f"provider {provider!r}: expected one of {', '.join(PROVIDERS)}.")
    data, facts = find_model(model, cache)
    try:
        onnx_session = load_onnx(data, model, provider, threads)
        if facts is None:
            facts = facts_from_metadata(onnx_session.get_modelmeta().custom_metadata_map, model)
        untouched = facts.untouched
        session = Session(
            onnx_session, facts, threads, lambda: open_session(untouched, provider, threads, cache)
        )
    except (MemoryError, UnicodeDecodeError) as error:
        raise ModelError(f"{model}: cannot be loaded: {reason_of(error)}") from error
    log.info("%s runs on %s, %d threads", facts.name, session.provider, threads)
    return session


def load_onnx(data: bytes, model: str, provider: str, threads: int) -> onnxruntime.InferenceSession:
    """A graph, on CUDA where it is asked for and works; "auto" continues on the CPU and says so."""
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
        raise ModelError(f"{model}: onnxruntime cannot load it: {reason_of(error)}") from error
    if provider == "cuda":
        raise ProviderError(f"cuda: {problem}.", option="provider", advice=_HOW_TO_GET_CUDA)
    if provider == "auto" and has_cuda:
        log.warning("cuda: %s; continuing on the CPU", problem)
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
        return None, reason_of(error)
    if session.get_providers()[0] != "CUDAExecutionProvider":
        return None, "onnxruntime took the CPU; a CUDA or cuDNN library is missing or too old"
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
    # A model is one file: what others in the current folder hold is not covered by its SHA-256.
    options.add_session_config_entry(_OUTER_FILES, os.devnull)
    # onnxruntime's own fallback would continue on the CPU in silence, also in the middle of a run.
    return ort.InferenceSession(data, options, providers=providers, enable_fallback=0)


def reason_of(error: Exception) -> str:
    """One line; a graph's names are in onnxruntime's, and anything may be in them."""
    text = str(error).strip() or type(error).__name__
    if isinstance(error, MemoryError) or any(words in text for words in _NO_MEMORY):
        return "not enough memory; free some, or take a smaller model"
    if isinstance(error, UnicodeDecodeError):
        return "a text in its graph is not UTF-8"
    line = text.splitlines()[0][:_MAX_REASON]
    return "".join(c if c.isprintable() else "?" for c in line)


def _check_graph(session: onnxruntime.InferenceSession, facts: ModelFacts) -> str:
    """The name of the input, after checking that the graph is one the engine can feed."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelError(
            f"{facts.name}: {len(inputs)} inputs and {len(outputs)} outputs, expected one of each. "
            + _SEE
        )
    fits = all(_may_be(*sides) for sides in zip(inputs[0].shape, (1, 3, -1, -1), strict=False))
    if inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 4 or not fits:
        raise ModelError(
            f"{facts.name}: input {_show(inputs[0])}, expected float (1, 3, h, w). {_SEE}"
        )
    known = math.prod(side for side in outputs[0].shape if isinstance(side, int))
    if outputs[0].type != "tensor(float)" or not 0 < known <= MAX_LOGITS:
        raise ModelError(
            f"{facts.name}: output {_show(outputs[0])}, expected float (1, "
            f"{len(facts.classes)}, h, w) of at most {MAX_LOGITS:,} numbers. {_SEE}"
        )
    return str(inputs[0].name)


def _may_be(side: Any, expected: int) -> bool:
    """Whether a side of a graph, a number or a name, may be as expected; -1 stands for any."""
    return not isinstance(side, int) or side == expected or (expected < 0 < side)


def _show(value: Any) -> str:
    """Type and shape; the names that a graph gives to its sides are a stranger's text."""
    sides = (str(side) if isinstance(side, int) else "?" for side in value.shape)
    return f"{value.type} ({', '.join(sides)})"


def _find_problem(logits: NDArray[Any], fed: Sequence[int], classes: int) -> str:
    """What keeps logits from being used, "" if nothing does; `fed` is the input's shape."""
    if (
        logits.dtype != np.float32
        or logits.ndim != 4
        or logits.shape[:2] != (1, classes)
        or logits.size == 0
    ):
        return (
            f"logits of {logits.dtype} {logits.shape}, expected float32 (1, {classes}, h, w), "
            "a map for each class of its description"
        )
    most = min(LOGITS_PER_PIXEL * fed[2] * fed[3], MAX_LOGITS // classes)
    if logits[0, 0].size > most:
        return (
            f"logits of {logits.shape[3]} x {logits.shape[2]} for an input of "
            f"{fed[3]} x {fed[2]}, expected at most {most:,} for each class"
        )
    return "" if np.isfinite(logits).all() else "the logits are not all finite numbers"


def _check_untouched(untouched: ModelFacts, facts: ModelFacts) -> None:
    if untouched.largest:
        raise ModelError(
            f"{facts.name}: its untouched model {untouched.name} has a largest input as well, "
            "expected one that takes any. Correct `untouched` in its description."
        )
    for key in _SAME_FACTS:
        if getattr(untouched, key) != getattr(facts, key):
            raise ModelError(
                f"{facts.name}: its untouched model {untouched.name} has another {key}, expected "
                "the same. Correct `untouched` in its description."
            )
