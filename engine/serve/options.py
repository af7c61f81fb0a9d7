"""What a service loads, and its limits."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from numbers import Real

from engine.errors import OptionError

LOOPBACK = ("localhost", "127.0.0.1", "::1")
_WHOLE = frozenset({"queue", "client_requests", "kept_photos"})
_MAY_BE_ZERO = frozenset({"queue", "client_requests", "kept_minutes"})


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """Checked when it is built; raises OptionError."""

    model: str = "default"
    """As in `engine.load`, and so are the next three."""

    provider: str = "auto"
    threads: int | None = None
    models: str | None = None

    jobs: int | None = None
    """Photos in work at a time, from 1. None: as many as there are threads."""

    max_megabytes: float = 50.0
    """Of one request's body, above 0."""

    max_megapixels: float = 50.0
    """Of a photo, above 0. A megapixel takes some 30 MB of memory while it is in work."""

    queue: int = 32
    """Requests that may wait for a worker; more are answered with 503."""

    client_requests: int = 0
    """Requests of one client's address that may be under way; more are answered with 429. 0: any
    number, because behind a proxy all clients may have one address."""

    request_seconds: float = 60.0
    """For the waiting and the work of one request, above 0; then it is answered with 504."""

    stall_seconds: float = 10.0
    """Above 0: so long may a client keep us waiting for its request's head, and so far may it fall
    behind 16 KB per second when it sends the rest and when it takes the answer."""

    kept_minutes: float = 15.0
    """A photo is kept in memory since its last use, to be drawn again. 0: not at all."""

    kept_megabytes: float = 512.0
    """Of photos that are kept, above 0."""

    kept_photos: int = 200
    """How many are kept, from 1."""

    token: str = ""
    """That requests must bear, in ASCII without spaces. Empty: none."""

    origins: tuple[str, ...] = ()
    """Of other sites' pages that may use the service, as https://example.org, or "*"."""

    hosts: tuple[str, ...] = ()
    """Names by which the service may be called, without the port. Empty: any."""

    log_names: bool = False
    """Whether the log may have names of files, and what the engine says of single photos."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == "float":
                self._check_number(field.name, value)
            elif field.name in _WHOLE and not isinstance(value, int):
                raise OptionError(f"{field.name} is {value!r}; expected a whole number.")
        for name in _WHOLE:
            self._check_number(name, getattr(self, name))
        if self.jobs is not None and self.jobs < 1:
            raise OptionError(f"jobs is {self.jobs}; it is at least 1.")
        if not self.token.isascii() or self.token.split() not in ([], [self.token]):
            raise OptionError("the token holds spaces or more than ASCII. Choose another one.")
        for origin in self.origins:
            if origin != "*" and ("://" not in origin or origin.endswith("/")):
                raise OptionError(f"origin {origin!r}: expected one as https://example.org.")

    @staticmethod
    def _check_number(name: str, value: object) -> None:
        least = "from 0" if name in _MAY_BE_ZERO else "above 0"
        is_right = isinstance(value, Real) and not isinstance(value, bool) and value < math.inf
        if not is_right or value < 0 or (value == 0 and name not in _MAY_BE_ZERO):  # type: ignore[operator]
            raise OptionError(f"{name} is {value!r}; expected a number {least}.")
