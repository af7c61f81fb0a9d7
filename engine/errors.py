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
from collections.abc import Callable, Sequence


class EngineError(Exception):
    """Base of all errors that the engine raises on purpose: one line, with what to do.

    What to do may depend on an option, which each front door spells in its own way: Python as
    `overwrite`, the command line as `--overwrite`. So `advice` is a sentence with "{}" where
    the option's name belongs, and `option` is that name.
    """

    exit_code = 1

    def __init__(self, message: str = "", *, option: str = "", advice: str = "") -> None:
        super().__init__(message)
        self.message, self.option, self.advice = message, option, advice

    def __str__(self) -> str:
        return self.told(lambda option: option)

    def __reduce__(self) -> tuple[object, ...]:
        """Keeps the advice when an error travels to another process."""
        return _rebuild, (type(self), self.message, self.option, self.advice)

    def told(self, spell: Callable[[str], str]) -> str:
        """The message and the advice, with the option's name as `spell` writes it."""
        advice = self.advice.replace("{}", spell(self.option)) if self.advice else ""
        return f"{self.message} {advice}".strip()


def _rebuild(kind: type[EngineError], message: str, option: str, advice: str) -> EngineError:
    return kind(message, option=option, advice=advice)


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
    """The provider that was asked for is not there, or cannot run the model."""

    exit_code = 5


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """A sentence with the nearest known word, or with all of them."""
    close = difflib.get_close_matches(word, known, 1)
    return f"Did you mean {close[0]}?" if close else f"Known: {', '.join(known)}."
