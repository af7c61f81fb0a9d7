"""What every request passes, and every answer carries: pure ASGI, around all routes."""

from __future__ import annotations

import re
import secrets
import time
from hmac import compare_digest

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.serve.logs import log
from engine.serve.measures import Measures
from engine.serve.options import ServeOptions
from engine.serve.problems import ClientLeft, Problem, answer, to_problem

SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self' blob:; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
}
EXPOSED = (
    "Cartoonify-Width", "Cartoonify-Height", "Cartoonify-Share", "Cartoonify-Palette",
    "Cartoonify-Warnings", "Cartoonify-Metrics", "Server-Timing", "Content-Disposition",
    "X-Request-ID", "Retry-After", "Location",
)  # fmt: skip
"""Headers that pages of other sites may read, where they may use the service at all."""
_OPEN = ("/", "/healthz", "/readyz")
"""Paths that need no token, beside the page's files; the page asks its user for it."""
_REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)


class Guard:
    """Gives requests an id, refuses what must not pass, turns errors to problems, and counts."""

    def __init__(self, app: ASGIApp, options: ServeOptions, measures: Measures) -> None:
        self._app, self._options, self._measures = app, options, measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        await _Exchange(self._app, self._options, self._measures, scope).run(receive, send)


class _Exchange:
    """One request and its answer."""

    def __init__(
        self, app: ASGIApp, options: ServeOptions, measures: Measures, scope: Scope
    ) -> None:
        self._app, self._options, self._measures, self._scope = app, options, measures, scope
        self._headers = Headers(scope=scope)
        self._start = time.perf_counter()
        self._status = 0
        asked = self._headers.get("x-request-id", "")
        self.id = asked if _REQUEST_ID.fullmatch(asked) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = self.id

    async def run(self, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._status = message["status"]
                self._add_headers(MutableHeaders(scope=message))
            await send(message)

        problem: Problem | None = None
        try:
            self._check()
            await self._app(self._scope, receive, guarded)
        except ClientLeft:
            self._measures.count_left()
        except Exception as error:
            problem = to_problem(error)
            if problem.kind == "bug":
                log.error("unexpected error", exc_info=error, extra={"request_id": self.id})
            if self._status:
                raise  # the server cuts the connection: the answer must not look whole
            await answer(problem, self.id)(self._scope, receive, guarded)
        self._note(problem)

    def _note(self, problem: Problem | None) -> None:
        seconds = time.perf_counter() - self._start
        route = getattr(self._scope.get("route"), "path", "other")
        method = self._scope["method"] if self._scope["method"] in _METHODS else "other"
        self._measures.count_request(route, method, self._status, seconds)
        extra = {
            "request_id": self.id, "method": method, "route": route, "status": self._status,
            "ms": round(seconds * 1e3, 1),
        }  # fmt: skip
        if problem:
            self._measures.count_refusal(problem.kind)
            extra["problem"] = problem.kind
        log.info("answered" if self._status else "the client left", extra=extra)

    def _check(self) -> None:
        """Raises Problem for a request that must not pass."""
        options, headers, path = self._options, self._headers, self._path
        host = re.sub(r":\d*$", "", headers.get("host", "")).strip("[]").lower()
        if options.hosts and host not in options.hosts:
            raise Problem(421, "host", "this service is not called by this name.")
        is_foreign = headers.get("sec-fetch-site", "none") not in ("same-origin", "none")
        if is_foreign and self._scope["method"] != "GET" and not self._allows_origin:
            raise Problem(403, "origin", "pages of other sites may not use this service.")
        if not options.token or path in _OPEN or path.startswith("/page/"):
            return
        scheme, _, token = headers.get("authorization", "").partition(" ")
        given = token.strip().encode() if scheme.lower() == "bearer" else b""
        if not compare_digest(given, options.token.encode()):
            raise Problem(401, "token", "a bearer token is needed.", {"WWW-Authenticate": "Bearer"})

    @property
    def _path(self) -> str:
        """Below where the service is mounted."""
        path: str = self._scope["path"]
        return path.removeprefix(self._scope.get("root_path", "")) or "/"

    @property
    def _allows_origin(self) -> bool:
        origins = self._options.origins
        return "*" in origins or self._headers.get("origin", "") in origins

    def _add_headers(self, headers: MutableHeaders) -> None:
        for name, value in SECURITY.items():
            headers.setdefault(name, value)
        is_shared = self._options.origins and self._allows_origin
        headers["Cross-Origin-Resource-Policy"] = "cross-origin" if is_shared else "same-origin"
        headers.setdefault("Cache-Control", "no-store")
        headers["X-Request-ID"] = self.id


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
