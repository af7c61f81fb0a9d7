"""The service as an ASGI application, to be served alone or mounted into another."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from engine.pipeline import Cartoonifier
from engine.serve import routes
from engine.serve.guards import EXPOSED, Guard
from engine.serve.options import ServeOptions
from engine.serve.problems import Problem, answer
from engine.serve.service import Service
from engine.versions import __version__

PAGE = Path(__file__).parent / "page"


def create_app(options: ServeOptions | None = None, app: Cartoonifier | None = None) -> FastAPI:
    """The service: its interface below /v1, rembg's /api/remove, and the page at /.

    `app` is a Cartoonifier that is loaded already; without one, it is loaded from the options when
    the service starts, and closed when it stops. Where the service is mounted into another
    application, whose lifespan does not reach it, it is loaded by the first request.
    """
    options = options or ServeOptions()
    service = Service(options, app)
    guards = [Middleware(Guard, options=options, measures=service.measures)]
    if options.origins:  # outside, so that problems can be read there too
        guards.insert(
            0,
            Middleware(
                CORSMiddleware,
                allow_origins=options.origins,
                expose_headers=EXPOSED,
                allow_methods=("GET", "POST", "DELETE"),
                allow_headers=("Authorization", "Content-Type", "X-Request-ID"),
            ),
        )
    api = FastAPI(
        title="Cartoonify", version=__version__,
        summary="Photos of people to cut-outs and cartoons.",
        docs_url=None, redoc_url=None,  # they would load scripts from elsewhere
        lifespan=_lifespan, middleware=guards, exception_handlers={HTTPException: _tell},
    )  # fmt: skip
    api.state.service = service
    routes.add_to(api)
    api.add_route("/", _page, methods=["GET", "HEAD"], include_in_schema=False)
    api.mount("/page", _Page(directory=PAGE))
    return api


@contextlib.asynccontextmanager
async def _lifespan(api: FastAPI) -> AsyncIterator[None]:
    service: Service = api.state.service
    service.start()
    try:
        yield
    finally:
        await service.close()


async def _tell(request: Request, error: Exception) -> Response:
    """What the framework raises, as a problem."""
    assert isinstance(error, HTTPException)
    kinds = {404: "unknown-path", 405: "method", 400: "request"}
    details = {404: "there is nothing at this path.", 405: "this path does not take this method."}
    problem = Problem(
        error.status_code, kinds.get(error.status_code, "request"),
        details.get(error.status_code, error.detail), error.headers,
    )  # fmt: skip
    return answer(problem, request.state.request_id)


async def _page(request: Request) -> Response:
    response = await _Page(directory=PAGE).get_response("index.html", request.scope)
    response.headers["Cache-Control"] = "no-cache"
    return response


class _Page(StaticFiles):
    """The page's files, which are asked for again after an update."""

    def file_response(self, *arguments, **more):  # type: ignore[no-untyped-def]
        response = super().file_response(*arguments, **more)
        response.headers["Cache-Control"] = "no-cache"
        return response
