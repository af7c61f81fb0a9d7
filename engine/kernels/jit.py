"""The one place with Numba's flags.

Kernels release the GIL and use one thread: Numba's own thread pools may abort a process that
enters them from two threads. `fastmath` stays off, to equal the reference. Division is
NumPy's: Python's check for zero would keep loops from being vectorised.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import numba

_NO_JIT = SimpleNamespace(cache_hits=1)  # with NUMBA_DISABLE_JIT, functions stay as they are

Function = TypeVar("Function", bound=Callable[..., Any])

log = logging.getLogger(__name__)


def kernel(signature: str) -> Callable[[Function], Function]:
    """A decorator that compiles a function for one signature and keeps the machine code."""

    def compile_kernel(function: Function) -> Function:
        try:
            compiled: Any = _jit(signature, cache=True)(function)
            if not getattr(compiled, "stats", _NO_JIT).cache_hits:
                log.info("%s is compiled", function.__name__)
            return cast("Function", compiled)
        except Exception as error:
            # No folder for the cache, a full disk, a damaged cache file. An error of the
            # function itself comes again in the next line.
            log.debug("%s is compiled without a cache: %s", function.__name__, error)
        return _jit(signature)(function)

    return compile_kernel


def helper(function: Function) -> Function:
    """A part of a kernel, compiled with each kernel that calls it."""
    return _jit()(function)


def _jit(*signature: str, cache: bool = False) -> Callable[[Function], Function]:
    njit: Any = numba.njit
    return cast(
        "Callable[[Function], Function]",
        njit(*signature, cache=cache, nogil=True, error_model="numpy"),
    )
