"""Who is served when: a bounded queue, as many workers as the processors and memory allow."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from engine.batch.budget import Budget
from engine.serve.problems import ClientLeft, Problem

T = TypeVar("T")


class Desk:
    """Gives requests to worker threads, in the order in which they come."""

    def __init__(
        self, workers: int, queue: int, budget: float, request_s: float, per_client: int = 0
    ) -> None:
        """`budget` is in bytes; photos in work share it, as those of a batch do."""
        self.workers, self._most, self._request_s = workers, workers + queue, request_s
        self._budget, self._bytes = Budget(budget), budget
        self._pool = ThreadPoolExecutor(workers, "photo")
        self._lock = threading.Lock()
        self._under_way = self._running = 0
        self._mean_s = 1.0
        self._per_client, self._clients = per_client, Counter[str]()

    @property
    def in_flight(self) -> int:
        """Requests in work."""
        return self._running

    @property
    def waiting(self) -> int:
        """Requests that wait for a worker."""
        return max(0, self._under_way - self._running)

    def check_room(self) -> None:
        """Raises Problem when there is no place for one more request."""
        if self._under_way >= self._most:
            raise Problem(
                503, "busy", "too many photos are waiting; try again later.",
                {"Retry-After": str(self.retry_after_s)},
            )  # fmt: skip

    @property
    def retry_after_s(self) -> int:
        """Seconds until a place should be free."""
        return max(1, min(60, math.ceil(self.waiting * self._mean_s / self.workers)))

    @contextlib.contextmanager
    def client(self, address: str) -> Iterator[None]:
        """While a request of this client is under way. Raises Problem when it has too many."""
        if self._per_client and self._clients[address] >= self._per_client:
            raise Problem(
                429, "too-many", f"{self._per_client} requests of yours are under way already.",
                {"Retry-After": str(self.retry_after_s)},
            )  # fmt: skip
        self._clients[address] += 1
        try:
            yield
        finally:
            self._clients[address] -= 1
            if not self._clients[address]:
                del self._clients[address]

    async def do(
        self,
        cost: Callable[[], float],
        work: Callable[[Callable[[], None]], T],
        gone: Awaitable[object],
    ) -> T:
        """What `work` returns, in a thread of ours.

        `cost()`, called in the thread as well, are the bytes it takes. `work` is given a function
        to call between its stages, which ends it when nobody waits for it any more: `gone` is done,
        or the time is up. Raises Problem and ClientLeft, and what `work` raises.
        """
        self.check_room()
        job = _Job(self._bytes, self._budget, cost, work)
        with self._lock:
            self._under_way += 1
        future = self._pool.submit(self._run, job)
        future.add_done_callback(self._note_end)
        answer: asyncio.Future[T] = asyncio.wrap_future(future)
        left = asyncio.ensure_future(gone)
        both: set[asyncio.Future[Any]] = {answer, left}
        try:
            await asyncio.wait(both, timeout=self._request_s, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
            if left.done():
                raise ClientLeft
            raise Problem(
                504, "time", f"it took longer than {self._request_s:g} s.",
                {"Retry-After": str(self.retry_after_s)},
            )  # fmt: skip
        finally:
            job.is_unwanted = True
            left.cancel()
            answer.cancel()  # drops it if it waits; what runs ends at its next stage

    def close(self) -> None:
        """Waits for what is in work."""
        self._pool.shutdown(cancel_futures=True)

    def _run(self, job: _Job[T]) -> T:
        with self._lock:
            self._running += 1
        start = time.monotonic()
        try:
            return job.do()
        finally:
            with self._lock:
                self._running -= 1
                self._mean_s += 0.1 * (time.monotonic() - start - self._mean_s)

    def _note_end(self, _: Future[T]) -> None:
        with self._lock:
            self._under_way -= 1


class _Job(Generic[T]):
    """One request's work."""

    def __init__(
        self,
        most: float,
        budget: Budget,
        cost: Callable[[], float],
        work: Callable[[Callable[[], None]], T],
    ) -> None:
        self._most, self._budget, self._cost, self._work = most, budget, cost, work
        self.is_unwanted = False

    def do(self) -> T:
        self._check()
        cost = self._cost()
        if cost > self._most:
            raise Problem(
                413, "too-large", f"it would take {cost / 1e6:,.0f} MB of memory, of which the "
                f"service has {self._most / 1e6:,.0f}.",
            )  # fmt: skip
        with self._budget.take(cost):
            self._check()
            return self._work(self._check)

    def _check(self) -> None:
        if self.is_unwanted:
            raise ClientLeft
