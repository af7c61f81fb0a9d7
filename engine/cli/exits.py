"""How the command line begins and ends: streams, signals, the log, and errors as exit codes."""

from __future__ import annotations

import gc
import io
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import typer

from engine.errors import EngineError, OutputError, PhotoError
from engine.text import printable

SOME_FAILED, INTERRUPTED, TERMINATED = 1, 130, 143
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_FLAGS = {"out": "-o", "as_json": "--json"}


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a run as Ctrl-C does."""


def flag(option: str) -> str:
    """An option as the command line spells it."""
    return _FLAGS.get(option, "--" + option.replace("_", "-"))


def say(text: str) -> None:
    """A line on stderr. Where it cannot be written, nobody can be told that."""
    with suppress(OSError):
        print(printable(text), file=sys.stderr, flush=True)


def put(text: str) -> None:
    """A line on stdout. Raises OutputError when it cannot be written."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise  # the reader has seen enough; typer ends in silence
    except OSError as error:
        raise OutputError(f"stdout: cannot be written: {error.strerror}.") from error


@contextmanager
def errors_to_exit_codes() -> Iterator[None]:
    """Each error becomes one line on stderr and the exit code of its kind."""
    try:
        yield
    except EngineError as error:
        say("error: " + " ".join(error.told(flag).split()))
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt as error:
        is_term = isinstance(error, Terminated)
        say(f"error: {'terminated' if is_term else 'interrupted'}; what was written is whole")
        raise typer.Exit(TERMINATED if is_term else INTERRUPTED) from None
    except BrokenPipeError:
        raise
    except MemoryError:
        say("error: not enough memory.")
        raise typer.Exit(PhotoError.exit_code) from None
    except OSError as error:
        say(f"error: unexpected {error}")
        raise typer.Exit(SOME_FAILED) from None
    finally:
        gc.enable()


@contextmanager
def own_streams_and_signals() -> Iterator[None]:
    """For the time of a command."""
    _open_missing_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # file names need not be valid text
            stream.reconfigure(errors="backslashreplace")
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = [n for n in _SIGNALS if signal.getsignal(n) != signal.SIG_IGN]  # nohup ignores some
    before = {number: signal.signal(number, _interrupt) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def set_up_log(quiet: bool, verbose: bool) -> None:
    """Warnings of ours on stderr; with `quiet` only errors, with `verbose` all."""
    level = logging.ERROR if quiet else logging.DEBUG if verbose else logging.WARNING
    logging.basicConfig(
        handlers=[_Printer()], format="%(levelname)s: %(message)s", level=logging.WARNING
    )
    logging.getLogger("engine").setLevel(level)


class _Printer(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        for line in self.format(record).splitlines():
            say(line)


def _interrupt(number: int, frame: FrameType | None) -> Any:
    signal.signal(number, signal.SIG_DFL)  # a second one ends what waits, as threads for a pipe
    raise Terminated if number == signal.SIGTERM else KeyboardInterrupt


def _open_missing_streams() -> None:
    """Else the next file that is opened would get the number of a closed stream, and its text."""
    for descriptor in range(3):
        if not _is_open(descriptor):
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:  # print() would take stdout instead
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, for the rest of the process


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
