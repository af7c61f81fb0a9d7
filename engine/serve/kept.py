"""Photos that were found, kept for some minutes to be drawn again: in memory, and bounded."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from engine.found import Found
from engine.serve.problems import Problem


class KeptPhotos:
    """By random id; those that were used least recently go first. Safe to use from threads."""

    def __init__(
        self,
        seconds: float,
        most_bytes: float,
        most_photos: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.seconds, self._most_bytes, self._most_photos = seconds, most_bytes, most_photos
        self._clock, self._lock = clock, threading.Lock()
        self._photos: OrderedDict[str, tuple[Found, float]] = OrderedDict()
        self.bytes = 0
        """Of all photos that are kept."""

    def __len__(self) -> int:
        return len(self._photos)

    def put(self, found: Found) -> str:
        """Keeps a photo; its id. Raises Problem for one that is too large to be kept."""
        if size_of(found) > self._most_bytes:
            raise Problem(
                413, "too-large", f"the photo takes {size_of(found) / 1e6:,.0f} MB in memory; "
                f"{self._most_bytes / 1e6:,.0f} MB are kept at most.",
            )  # fmt: skip
        key = secrets.token_urlsafe(24)
        with self._lock:
            self._photos[key] = found, self._clock() + self.seconds
            self.bytes += size_of(found)
            while self.bytes > self._most_bytes or len(self._photos) > self._most_photos:
                self._drop(next(iter(self._photos)))
        return key

    def get(self, key: str) -> Found:
        """The photo, which is kept as long again. Raises Problem when it is not there."""
        self.sweep()
        with self._lock:
            if key not in self._photos:
                raise unknown()
            found, _ = self._photos[key]
            self._photos[key] = found, self._clock() + self.seconds
            self._photos.move_to_end(key)
            return found

    def remove(self, key: str) -> None:
        """Raises Problem when it is not there."""
        self.sweep()
        with self._lock:
            if key not in self._photos:
                raise unknown()
            self._drop(key)

    def sweep(self) -> None:
        """Drops what was not used for so long."""
        with self._lock:
            while self._photos:
                key, (_, end) = next(iter(self._photos.items()))
                if end > self._clock():
                    return
                self._drop(key)

    def clear(self) -> None:
        """Drops all."""
        with self._lock:
            self._photos.clear()
            self.bytes = 0

    def _drop(self, key: str) -> None:
        found, _ = self._photos.pop(key)
        self.bytes -= size_of(found)


def unknown() -> Problem:
    """Of an id that is not known, or not any more."""
    return Problem(404, "unknown-photo", "this photo is not kept (any more); upload it again.")


def size_of(found: Found) -> int:
    """Bytes that a photo takes while it is kept."""
    arrays = (found.photo, found.small, found.logits, found.probability)
    return sum(array.nbytes for array in arrays) + len(found.exif)
