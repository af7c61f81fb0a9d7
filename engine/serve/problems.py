"""What went wrong, as problem details (RFC 9457), in the engine's own words."""

from __future__ import annotations

import http
import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from engine.errors import EngineError, OptionError, OutputError, PhotoError
from engine.serve.parameters import NAMES

MEDIA_TYPE = "application/problem+json"
PREFIX = "urn:cartoonify:"
"""Of the types of problems."""


class Problem(Exception):
    """Ends a request with a status and one line about it."""

    def __init__(
        self, status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(detail)
        self.status, self.kind, self.detail = status, kind, detail
        self.headers, self.more = dict(headers or {}), more


class ClientLeft(Exception):
    """Nobody waits for the answer."""


def to_problem(error: Exception) -> Problem:
    """The problem that an error of the engine, or a bug, becomes."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, OptionError):
        more: dict[str, Any] = {"option": error.option} if error.option else {}
        return Problem(422, "option", _told(error), None, **more)
    if isinstance(error, PhotoError):
        return _of_photo(error)
    if isinstance(error, OutputError):
        return Problem(422, "output", _told(error))
    if isinstance(error, MemoryError):
        return Problem(503, "memory", "not enough memory for it now.", {"Retry-After": "10"})
    # Whatever it is, its words might tell of the machine.
    return Problem(500, "bug", "unexpected error in the service; its log has the request's id.")


def answer(problem: Problem, request_id: str = "") -> Response:
    """The response that tells a problem."""
    document = {
        "type": PREFIX + problem.kind,
        "title": http.HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        **problem.more,
    }
    if request_id:
        document["request_id"] = request_id
    text = json.dumps(document)
    return Response(text, problem.status, problem.headers, MEDIA_TYPE)


def _told(error: EngineError) -> str:
    """With the advice, where it names an option that a request has."""
    known = not error.option or error.option in NAMES
    return " ".join((str(error) if known else error.message).split())


def _of_photo(error: PhotoError) -> Problem:
    text = _told(error)
    if "not enough memory" in text:
        return Problem(503, "memory", text, {"Retry-After": "10"})
    if "not a picture" in text or "one more package" in text:
        return Problem(415, "not-a-photo", text)
    if error.option == "max_megapixels" or "a side may have" in text:
        return Problem(413, "too-large", text)
    return Problem(422, "photo", text)
