"""A segmentation network in a runtime, checked: the graph is fit, and so is each answer."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import ModelError, OptionError, ProviderError
from engine.known import NETWORKS, tell_licence
from engine.once import computed_once
from engine.segment.alpha import find_alpha_problem, to_logits
from engine.segment.runtimes.choice import check_provider, open_runtime
from engine.segment.runtimes.runtime import Port, Runtime, reason_of
from engine.weights import FixedSize, ModelFacts, cache_folder, facts_from_metadata, find_model

LOGITS_PER_PIXEL = 4
"""Of the input, for each class. Networks answer at the size of their input or a coarser one; this
is twice its sides."""
MAX_LOGITS = 1 << 28
"""In all: a gibibyte, and the softmax takes as much again."""
_SAME_FACTS = ("mean", "std", "channel_order", "classes", "align_corners", "alpha", "layout")
_OF_BOTH = ("name", "licence", "origin", "sha256")
"""Facts that two networks, one behind the other, have of both."""
_SEE = "See docs/models.md."

log = logging.getLogger(__name__)


class Session:
    """A loaded segmentation network; `run` may be called from several threads."""

    def __init__(
        self,
        runtime: Runtime,
        facts: ModelFacts,
        threads: int,
        open_untouched: Callable[[], Session],
    ) -> None:
        self._runtime, self._open_untouched = runtime, open_untouched
        self.facts, self.threads, self.provider = facts, threads, runtime.provider
        self.borders: Session | None = None
        """A network that gives alpha, for the borders of what this one finds."""
        _check_graph(runtime, facts)

    def run(self, tensor: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits, float32 (1, C, h', w'), of a normalised input, float32 (1, 3, h, w).

        A network that gives alpha has two classes. Beyond the facts' `largest` it is the untouched
        model that runs.
        """
        largest = self.facts.largest
        if largest and (tensor.shape[2] > largest[0] or tensor.shape[3] > largest[1]):
            return self._untouched.run(tensor)
        facts = self.facts
        try:
            maps, *_ = self._runtime.run(_to_layout(tensor, facts))
            maps = _to_maps(maps, facts)
            problem = _find_problem(maps, tensor.shape, facts)
        except Exception as error:  # a runtime has a class for each of its states
            kind = ModelError if self.provider == "cpu" else ProviderError
            message = f"{facts.name}: the network failed on {self.provider}"
            raise kind(f"{message}: {reason_of(error)}") from error
        if problem:
            raise ModelError(f"{facts.name}: {problem}. {_SEE}")
        return to_logits(maps, facts.alpha) if facts.alpha else maps

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
        A name of the manifest, of another project's network or of the cache, "default" (or
        "deeplab"), or the path of an .onnx file. Two with "+" between them: the second one gives
        alpha, and draws the borders of what the first one finds.
    provider : str
        One of `PROVIDERS`: "auto" takes the best that works, a name never falls back.
    threads : int
        Of the runtime's pool, at least 1.
    cache : Path
        The folder of exported models; None for `cache_folder()`.

    Raises
    ------
    OptionError, ModelError, ProviderError
    """
    check_provider(provider)
    finder, plus, drawer = model.partition("+")
    if not plus or os.path.exists(model):
        return _open_one(model, provider, threads, cache)
    session = _open_one("default" if finder == "deeplab" else finder, provider, threads, cache)
    borders = _open_one(drawer, provider, threads, cache)
    if session.facts.alpha or not borders.facts.alpha:
        raise OptionError(
            f"model {model!r}: expected a network with classes before the +, and one that gives "
            "alpha behind it, as in deeplab+u2netp."
        )
    pair = (session.facts, borders.facts)
    both: dict[str, Any] = {key: "+".join(getattr(f, key) for f in pair) for key in _OF_BOTH}
    session.facts = replace(session.facts, **both)
    session.borders = borders
    return session


def _open_one(model: str, provider: str, threads: int, cache: Path | None) -> Session:
    data, facts = find_model(model, cache)
    if facts and facts.name in NETWORKS:
        tell_licence(facts, cache or cache_folder())
    try:
        runtime = open_runtime(data, model, provider, threads)
        if facts is None:
            facts = facts_from_metadata(runtime.metadata, model)
        untouched = facts.untouched
        session = Session(
            runtime, facts, threads, lambda: _open_one(untouched, provider, threads, cache)
        )
    except (MemoryError, UnicodeDecodeError) as error:
        raise ModelError(f"{model}: cannot be loaded: {reason_of(error)}") from error
    log.info("%s runs on %s, %d threads", facts.name, session.provider, threads)
    return session


def _check_graph(runtime: Runtime, facts: ModelFacts) -> None:
    """Raises ModelError where the graph is not one that the engine can feed."""
    inputs, outputs = runtime.inputs, runtime.outputs
    if len(inputs) != 1 or not outputs or (len(outputs) > 1 and not facts.alpha):
        raise ModelError(
            f"{facts.name}: {len(inputs)} inputs and {len(outputs)} outputs, expected one of each. "
            + _SEE
        )
    rule = facts.input
    height, width = (rule.height, rule.width) if isinstance(rule, FixedSize) else (-1, -1)
    expected = (1, height, width, 3) if facts.layout == "NHWC" else (1, 3, height, width)
    fits = all(_may_be(*sides) for sides in zip(inputs[0].shape, expected, strict=False))
    if inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 4 or not fits:
        free = str(expected).replace("-1, -1", "h, w")
        raise ModelError(f"{facts.name}: input {_show(inputs[0])}, expected float {free}. {_SEE}")
    known = math.prod(side for side in outputs[0].shape if isinstance(side, int))
    if outputs[0].type != "tensor(float)" or not 0 < known <= MAX_LOGITS:
        raise ModelError(
            f"{facts.name}: output {_show(outputs[0])}, expected float (1, "
            f"{_channels(facts)}, h, w) of at most {MAX_LOGITS:,} numbers. {_SEE}"
        )


def _channels(facts: ModelFacts) -> int:
    """How many maps the network gives."""
    return 1 if facts.alpha else len(facts.classes)


def _to_layout(tensor: NDArray[np.float32], facts: ModelFacts) -> NDArray[np.float32]:
    if facts.layout == "NHWC":
        return np.ascontiguousarray(tensor.transpose(0, 2, 3, 1))
    return tensor


def _to_maps(answer: NDArray[Any], facts: ModelFacts) -> NDArray[Any]:
    """An output as (1, C, h, w), if it is one; a matte may lack its channel."""
    if facts.alpha and answer.ndim == 3:
        return answer[:, None]
    if facts.layout == "NHWC" and answer.ndim == 4:
        return np.ascontiguousarray(answer.transpose(0, 3, 1, 2))
    return answer


def _may_be(side: Any, expected: int) -> bool:
    """Whether a side of a graph, a number or a name, may be as expected; -1 stands for any."""
    return not isinstance(side, int) or side == expected or (expected < 0 < side)


def _show(port: Port) -> str:
    """Type and shape; the names that a graph gives to its sides are a stranger's text."""
    sides = (str(side) if isinstance(side, int) else "?" for side in port.shape)
    return f"{port.type} ({', '.join(sides)})"


def _find_problem(maps: NDArray[Any], fed: Sequence[int], facts: ModelFacts) -> str:
    """What keeps an answer from being used, "" if nothing does; `fed` is the input's shape."""
    channels = _channels(facts)
    if (
        maps.dtype != np.float32
        or maps.ndim != 4
        or maps.shape[:2] != (1, channels)
        or maps.size == 0
    ):
        expected = "alpha" if facts.alpha else "a map for each class of its description"
        return (
            f"logits of {maps.dtype} {maps.shape}, expected float32 (1, {channels}, h, w), "
            + expected
        )
    most = min(LOGITS_PER_PIXEL * fed[2] * fed[3], MAX_LOGITS // channels)
    if maps[0, 0].size > most:
        return (
            f"logits of {maps.shape[3]} x {maps.shape[2]} for an input of "
            f"{fed[3]} x {fed[2]}, expected at most {most:,} for each class"
        )
    if not np.isfinite(maps).all():
        return "the logits are not all finite numbers"
    return find_alpha_problem(maps, facts.alpha) if facts.alpha else ""


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
