"""Rows of a picture on several threads, for kernels that release the interpreter.

The threads are Python's own, because Numba's pools may abort a process that enters them from two
threads, and onnxruntime's cannot be borrowed.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

Strip = TypeVar("Strip")

WORTH_A_THREAD = 50_000
"""Pixels. Handing over a strip takes about as long as the quickest kernel needs for these."""


def in_strips(
    work: Callable[[int, int], Strip], height: int, width: int, threads: int
) -> list[Strip]:
    """What `work(top, bottom)` returns for each strip of rows; they cover 0 to `height` in order.

    At most `threads` strips, run at the same time; a small picture is one.
    """
    count = max(1, min(threads, height, height * width // WORTH_A_THREAD))
    bounds = [height * index // count for index in range(count + 1)]
    *others, last = itertools.pairwise(bounds)
    waiting = [_pool().submit(work, *strip) for strip in others]
    done = work(*last)
    return [*(strip.result() for strip in waiting), done]


def at_once(calls: Sequence[Callable[[], Strip]], threads: int) -> Iterator[Strip]:
    """What the calls return, in their order; with several threads they run at the same time."""
    if threads == 1 or len(calls) < 2:
        return (call() for call in calls)
    return _pool().map(lambda call: call(), calls)


def start(call: Callable[[], Strip], threads: int) -> Callable[[], Strip]:
    """Starts a call beside the caller's own work; what is returned waits for it, and gives its
    result. With one thread, it is made only then.

    The call must not wait for strips of its own, because all threads might be waiting.
    """
    return _pool().submit(call).result if threads > 1 else call


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count() or 1, "strip")


if hasattr(os, "register_at_fork"):  # threads do not survive a fork
    os.register_at_fork(after_in_child=_pool.cache_clear)
