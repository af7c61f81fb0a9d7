"""How many photos are done at a time: as many as there are processors, and as memory allows."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from engine.batch.listing import STDIN
from engine.errors import EngineError

BYTES_PER_PIXEL = 30
"""Of a photo while it is done: read, cut out, drawn and encoded. Measured at 12 and 48 megapixels
(docs/performance.md), with a margin."""
UNKNOWN_PIXELS = 12_000_000
"""Of a photo whose size is not known before it is read."""
SHARE = 0.8
"""Of the memory that is free at the start: others want some too."""


class Budget:
    """Memory that photos under way share; safe to use from several threads."""

    def __init__(self, size: float) -> None:
        self._left, self._waiting = size, threading.Condition()
        self._under_way = 0

    @contextlib.contextmanager
    def take(self, cost: float) -> Iterator[None]:
        """Waits until there is room. A photo that is too large for all of it is done alone."""
        with self._waiting:
            self._waiting.wait_for(lambda: self._left >= cost or self._under_way == 0)
            self._left -= cost
            self._under_way += 1
        try:
            yield
        finally:
            with self._waiting:
                self._left += cost
                self._under_way -= 1
                self._waiting.notify_all()


def find_budget() -> float:
    """Bytes that a run may use for photos."""
    from engine.memory import free_memory

    return SHARE * free_memory()


def cost_of(photo: str, max_megapixels: float) -> float:
    """Bytes that a photo takes while it is done, by its header."""
    from engine.files.photos import peek_size

    pixels = UNKNOWN_PIXELS
    if photo != STDIN and "://" not in photo:
        with contextlib.suppress(EngineError):  # it is told when the photo is read
            height, width = peek_size(photo, max_megapixels)
            pixels = height * width
    return pixels * BYTES_PER_PIXEL
