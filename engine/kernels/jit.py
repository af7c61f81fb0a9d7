"""Kernels and their helpers: what they are compiled for, and what runs when they are called.

A kernel gets its machine code at its first call: from the package or from a cache
(`engine.kernels.machine`), else from Numba, which is not even imported before (`.compile`).
NUMBA_DISABLE_JIT leaves functions as they are, and NUMBA_BOUNDSCHECK has them compiled by Numba
alone, with every index checked.
"""

from __future__ import annotations

import functools
import logging
import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

from engine.kernels import machine

Function = TypeVar("Function", bound=Callable[..., Any])

IS_PLAIN = os.environ.get("NUMBA_DISABLE_JIT", "0") != "0"
IS_CHECKED = os.environ.get("NUMBA_BOUNDSCHECK", "0") != "0"
_preparing = threading.RLock()

log = logging.getLogger(__name__)


def kernel(signature: str) -> Callable[[Function], Function]:
    """A decorator for a function that is compiled for one signature, as Numba writes it.

    It takes arrays in C order and numbers, and returns a number or nothing.
    """

    def make(function: Function) -> Function:
        return function if IS_PLAIN else cast("Function", Kernel(function, signature))

    return make


def written(signature: str, features: set[str]) -> Callable[[Callable[..., Any]], WrittenKernel]:
    """A decorator for a function that writes a kernel's code, for processors with these features.

    It takes LLVM's builder, and the kernel's values: of an array the address and the sides.
    """
    return lambda function: WrittenKernel(function, signature, frozenset(features))


def helper(function: Function) -> Function:
    """A part of a kernel, compiled with each kernel that calls it."""
    return function if IS_PLAIN else cast("Function", Helper(function))


class Kernel:
    """A compiled function; safe to call from several threads."""

    def __init__(self, function: Callable[..., Any], signature: str) -> None:
        functools.update_wrapper(self, function)
        self.function, self.signature = function, signature
        self._run: Callable[..., Any] | None = None

    def __call__(self, *arguments: Any) -> Any:
        return (self._run or self._prepare())(*arguments)

    @property
    def full_name(self) -> str:
        """Module and function, such as "tones.count"."""
        return f"{self.function.__module__.rpartition('.')[2]}.{self.function.__name__}"

    def _prepare(self) -> Callable[..., Any]:
        with _preparing:
            self._run = self._run or self._find_or_compile()
        return self._run

    def _find_or_compile(self) -> Callable[..., Any]:
        if not IS_CHECKED:
            try:
                return machine.find(self) or self._compile()
            except Exception as error:
                # No source to compare with, another llvmlite or Numba. An error of the function
                # itself comes again in the last line.
                log.debug("%s runs in Numba: %s", self.full_name, error)
        from engine.kernels import compile

        return compile.to_dispatcher(self.function, self.signature)

    def _compile(self) -> Callable[..., Any]:
        log.info("%s is being compiled", self.full_name)
        return machine.keep(self, self.to_object())

    def to_object(self) -> bytes:
        """Its machine code for this processor, or for the one that Numba's variables name."""
        from engine.kernels import compile

        return compile.to_object(self)


class WrittenKernel(Kernel):
    """A kernel with instructions that Numba does not write; `is_usable` tells where it runs."""

    def __init__(
        self, function: Callable[..., Any], signature: str, features: frozenset[str]
    ) -> None:
        super().__init__(function, signature)
        self.features = features

    @functools.cached_property
    def is_usable(self) -> bool:
        """Whether this processor has the features, and the code can be loaded."""
        if IS_PLAIN or IS_CHECKED or not self.features <= machine.find_features():
            return False
        try:
            self._prepare()
        except Exception as error:
            log.debug("%s cannot be loaded: %s", self.full_name, error)
            return False
        return True

    def _find_or_compile(self) -> Callable[..., Any]:
        return machine.find(self) or machine.keep(self, self.to_object())

    def to_object(self) -> bytes:
        """Its machine code for processors with its features."""
        from engine.kernels import compile

        return compile.write_object(self)


class Helper:
    """A function that Numba compiles where a kernel calls it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        return self._dispatcher(*arguments)

    @functools.cached_property
    def _dispatcher(self) -> Any:
        from engine.kernels import compile

        return compile.to_dispatcher(self._function)

    @property
    def _numba_type_(self) -> Any:
        """What Numba asks for when it finds this in a kernel."""
        return self._dispatcher._numba_type_
