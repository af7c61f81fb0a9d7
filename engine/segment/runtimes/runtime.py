"""The one interface of all that runs networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

_MAX_REASON = 300
_PLACES = ("Exception from ", "Check '")
"""How lines begin in which OpenVINO names its own code; the reason follows below."""
_NO_MEMORY = ("bad_alloc", "bad allocation", "Failed to allocate memory")


class Port(NamedTuple):
    """An input or an output of a graph, as the graph declares it."""

    name: str
    type: str
    """In onnxruntime's words: "tensor(float)"."""
    shape: Sequence[Any]
    """A number, or what the graph calls it, for each side."""


class Runtime(Protocol):
    """A loaded graph; `run` may be called from several threads."""

    @property
    def provider(self) -> str:
        """What runs it: a name of `PROVIDERS`, other than "auto"."""

    @property
    def metadata(self) -> Mapping[str, str]:
        """The graph's `metadata_props`. Raises UnicodeDecodeError where they are no text."""

    @property
    def inputs(self) -> Sequence[Port]:
        """In the order of `run`'s tensors."""

    @property
    def outputs(self) -> Sequence[Port]:
        """In the order of what `run` returns."""

    def run(self, *tensors: NDArray[np.float32]) -> list[NDArray[Any]]:
        """All outputs for a tensor for each of the inputs. Raises what the runtime raises."""


def reason_of(error: Exception) -> str:
    """One line; a graph's names are in a runtime's, and anything may be in them."""
    text = str(error).strip() or type(error).__name__
    if isinstance(error, MemoryError) or any(words in text for words in _NO_MEMORY):
        return "not enough memory; free some, or take a smaller model"
    if isinstance(error, UnicodeDecodeError):
        return "a text in its graph is not UTF-8"
    lines = [line for line in text.splitlines() if line and not line.startswith(_PLACES)]
    line = (lines or [text])[0][:_MAX_REASON]
    return "".join(c if c.isprintable() else "?" for c in line)
