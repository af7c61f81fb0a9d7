"""The interface: what can be asked for, and by which paths."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from engine.options import NAMED_BACKGROUNDS, STYLES
from engine.serve import contract
from engine.serve.parameters import SCHEMAS
from engine.serve.problems import Problem
from engine.serve.service import Service
from engine.serve.visit import visit

KINDS = ("cartoon", "cutout", "mask")
_KNOBS = ("colours", "lines", "detail", "vivid")


def add_to(api: FastAPI) -> None:
    """Adds all routes of the interface."""
    for kind in KINDS:
        api.add_api_route(
            f"/v1/{kind}", _drawing(kind), methods=["POST"], **contract.draws(kind, kept=False)
        )
        api.add_api_route(
            f"/v1/photos/{{key}}/{kind}", _drawing_kept(kind), methods=["POST"],
            **contract.draws(kind, kept=True),
        )  # fmt: skip
    api.add_api_route("/v1/photos", _keep, methods=["POST"], **contract.keeps())
    api.add_api_route("/v1/photos/{key}", _forget, methods=["DELETE"], **contract.forgets())
    for path, endpoint in {
        "/v1/models": _models, "/v1/styles": _styles, "/healthz": _health, "/readyz": _ready,
        "/metrics": _metrics,
    }.items():  # fmt: skip
        api.add_api_route(path, endpoint, methods=["GET"], **contract.tells(path))
    api.add_api_route("/api/remove", _remove, methods=["POST"], **contract.removes())
    api.add_api_route("/api/remove", _remove_by_url, methods=["GET"], include_in_schema=False)


def service_of(request: Request) -> Service:
    """The service of the application that was called."""
    service: Service = request.app.state.service
    return service


def _drawing(kind: str) -> Callable[[Request], Awaitable[Response]]:
    async def draw(request: Request) -> Response:
        async with visit(request, service_of(request)) as visitor:
            return await visitor.draw(kind)

    return draw


def _drawing_kept(kind: str) -> Callable[[Request], Awaitable[Response]]:
    async def draw(request: Request) -> Response:
        async with visit(request, service_of(request)) as visitor:
            return await visitor.draw_kept(kind, request.path_params["key"])

    return draw


async def _keep(request: Request) -> Response:
    async with visit(request, service_of(request)) as visitor:
        return await visitor.keep()


async def _remove(request: Request) -> Response:
    async with visit(request, service_of(request)) as visitor:
        return await visitor.remove()


async def _remove_by_url(request: Request) -> Response:
    raise Problem(
        405, "method", "no URL is fetched here. Send the photo itself: POST, form field file.",
        {"Allow": "POST"},
    )  # fmt: skip


async def _forget(request: Request) -> Response:
    service_of(request).kept.remove(request.path_params["key"])
    return Response(status_code=204)


async def _models(request: Request) -> Response:
    app = service_of(request).app
    facts = app.model
    model = {
        "name": facts.name, "classes": list(facts.classes), "licence": facts.licence,
        "origin": facts.origin, "sha256": facts.sha256, "provider": app.provider,
    }  # fmt: skip
    return JSONResponse({"default": facts.name, "models": [model]})


async def _styles(request: Request) -> Response:
    styles = [{"name": name, "knobs": [] if name == "classic" else list(_KNOBS)} for name in STYLES]
    service = service_of(request)
    limits = service.options
    document = {
        "default": "comic", "styles": styles,
        "options": SCHEMAS, "backgrounds": list(NAMED_BACKGROUNDS),
        "limits": {
            "max_megabytes": limits.max_megabytes, "max_megapixels": limits.max_megapixels,
            "kept_seconds": service.kept.seconds, "kept_photos": limits.kept_photos,
            "request_seconds": limits.request_seconds,
        },
    }  # fmt: skip
    return JSONResponse(document)


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _ready(request: Request) -> Response:
    _ = service_of(request).app  # or a problem
    return JSONResponse({"status": "ready"})


async def _metrics(request: Request) -> Response:
    measures = service_of(request).measures
    return Response(measures.expose(), media_type=measures.media_type)
