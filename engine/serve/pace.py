"""How slow a client may be: some patience, and a second for so many bytes."""

from __future__ import annotations

import time

LEAST_RATE = 16_384
"""Bytes per second. The slowest mobile networks that are still in use give about as much."""


class Pace:
    """Of one transfer: every byte that moves buys some time, but none is saved up beyond the
    patience."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._deadline = time.monotonic() + patience_s

    def gain(self, size: int) -> None:
        """`size` bytes have moved."""
        latest = time.monotonic() + self._patience_s
        self._deadline = min(latest, self._deadline + size / LEAST_RATE)

    @property
    def left_s(self) -> float:
        """Seconds until the client is too slow; not above 0 when it is."""
        return self._deadline - time.monotonic()
