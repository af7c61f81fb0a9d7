"""What can go wrong, and the exit code that each kind ends the command line with.

EngineError             1
├── OptionError         2   an argument or an option is wrong
├── PhotoError          3   a photo cannot be read, or an array is not a picture
│   └── HistogramError  3   counts from which no palette can be found
├── OutputError         3   a result cannot be written
│   └── DiskFullError   3   there is no room for it
├── ModelError          4   a model is missing, damaged or not described
└── ProviderError       5   the provider that was asked for cannot run the model
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Sequence


class EngineError(Exception):
    """Base of all errors that the engine raises on purpose: one line, with what to do."""

    exit_code = 1


class OptionError(EngineError):
    """An argument or option is out of its range, unknown, or contradicts another."""

    exit_code = 2


class PhotoError(EngineError):
    """The input is not a picture that can be turned into a cartoon."""

    exit_code = 3


class HistogramError(PhotoError):
    """The counts are not a histogram: not 1-d, not integer, negative, or empty."""


class OutputError(EngineError):
    """A result cannot be written: the file exists, or the folder or format refuses it."""

    exit_code = 3


NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
"""System errors that mean it."""


class DiskFullError(OutputError):
    """There is no room left for a file."""


class ModelError(EngineError):
    """The model's file or its description is missing, damaged or unfit."""

    exit_code = 4


class ProviderError(EngineError):
    """onnxruntime cannot run the model on the provider that was asked for."""

    exit_code = 5


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """A sentence with the nearest known word, or with all of them."""
    close = difflib.get_close_matches(word, known, 1)
    return f"Did you mean {close[0]}?" if close else f"Known: {', '.join(known)}."
