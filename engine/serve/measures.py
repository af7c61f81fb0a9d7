"""What is counted, for Prometheus: in a registry of its own per service."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


class Measures:
    """Counters and times of one service."""

    media_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "cartoonify_requests", "Requests that were answered.", ("route", "method", "status"),
            registry=registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "cartoonify_request_seconds", "From a request's head to the end of its answer.",
            ("route",), buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._stages = Histogram(
            "cartoonify_stage_seconds", "Time of each stage of a photo's work.", ("stage",),
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._refusals = Counter(
            "cartoonify_refusals", "Requests that ended with a problem.", ("reason",),
            registry=registry,
        )  # fmt: skip
        self._left = Counter(
            "cartoonify_clients_left", "Requests whose client did not wait for the answer.",
            registry=registry,
        )  # fmt: skip

    def watch(self, name: str, text: str, value: Callable[[], float]) -> None:
        """A number that is looked at whenever it is asked for."""
        Gauge(f"cartoonify_{name}", text, registry=self._registry).set_function(value)

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """One that was answered; `route` is a pattern, so that there are few of them."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def count_refusal(self, reason: str) -> None:
        """A problem, by its kind."""
        self._refusals.labels(reason).inc()

    def count_left(self) -> None:
        """A client that did not wait."""
        self._left.inc()

    def time_stages(self, timings: Mapping[str, float]) -> None:
        """Milliseconds by stage."""
        for stage, ms in timings.items():
            self._stages.labels(stage).observe(ms / 1e3)

    def expose(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)
