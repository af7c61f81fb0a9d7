"""How the interface is described in OpenAPI."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from engine.serve.answers import JSON, TYPES, ZIP
from engine.serve.parameters import SCHEMAS
from engine.serve.problems import MEDIA_TYPE
from engine.serve.rembg import PARAMETERS
from engine.serve.visit import FOR_FINDING

_BINARY = {"type": "string", "format": "binary"}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "example": "urn:cartoonify:option"},
        "title": {"type": "string", "example": "Unprocessable Entity"},
        "status": {"type": "integer", "example": 422},
        "detail": {"type": "string", "example": "lines is 3.0; it lies in 0..2."},
        "option": {"type": "string", "example": "lines"},
        "request_id": {"type": "string", "example": "5f2c9a1be04d7781"},
    },
}
_KEPT = {
    "type": "object",
    "required": ["id", "name", "width", "height", "share", "warnings", "expires_in"],
    "properties": {
        "id": {"type": "string"},
        "name": {"type": "string", "example": "me"},
        "width": {"type": "integer", "example": 450},
        "height": {"type": "integer", "example": 600},
        "share": {
            "type": "number",
            "description": "Of the photo that is kept, about.",
            "example": 0.31,
        },
        "warnings": {"type": "array", "items": {"type": "string"}},
        "expires_in": {
            "type": "number",
            "description": "Seconds after the last use.",
            "example": 900,
        },
    },
}
_WORDS = {
    400: "No photo, or a body that cannot be read.",
    401: "A token is needed.",
    403: "A page of another site.",
    404: "The photo is not kept (any more): upload it again.",
    406: "The client accepts nothing of what there is.",
    408: "The body came too slowly.",
    413: "Too large: the body, or the photo by its header.",
    415: "Not a photo.",
    421: "The service is not called by this name.",
    422: "An option is wrong, or the photo cannot be used.",
    429: "Too many requests of this client are under way.",
    500: "A bug; the log has the request's id.",
    503: "Busy, or starting: try again after Retry-After.",
    504: "It took too long.",
}
_GUARDS = (401, 403, 421)
_WORK = (400, 406, 408, 413, 415, 422, 429, 500, 503, 504)


def draws(kind: str, kept: bool) -> dict[str, Any]:
    """Of a route that answers with pictures."""
    what = {"cartoon": "The cartoon", "cutout": "The cut-out", "mask": "The mask"}[kind]
    extra = {"parameters": [*([_ID] if kept else []), *map(_in_query, SCHEMAS)]}
    content = {TYPES[name]: {"schema": _BINARY} for name in ("png", "jpg", "webp", "svg")}
    content |= {ZIP: {"schema": _BINARY}, JSON: {"schema": {"type": "object"}}}
    ok = {"description": f"{what}, or what `save` names.", "content": content}
    source = "a photo that is kept" if kept else "a photo"
    return {
        "summary": f"{what} of {source}",
        "operation_id": f"{'kept_' if kept else ''}{kind}",
        "response_class": Response,
        "responses": {200: ok, **_problems(*_WORK, *([404] if kept else []))},
        "openapi_extra": extra | {"requestBody": _body(is_kept=kept)},
    }


def keeps() -> dict[str, Any]:
    """Of the route that keeps a photo."""
    created = {"description": "It is kept.", "content": {JSON: {"schema": _KEPT}}}
    parameters = [_in_query(name) for name in SCHEMAS if name in FOR_FINDING]
    return {
        "summary": "Keep a photo for some minutes, to draw it several times",
        "operation_id": "keep",
        "status_code": 201,
        "response_class": Response,
        "responses": {201: created, **_problems(*_WORK)},
        "openapi_extra": {"parameters": parameters, "requestBody": _body(is_kept=False)},
    }


def forgets() -> dict[str, Any]:
    """Of the route that drops a photo."""
    return {
        "summary": "Drop a photo that is kept",
        "operation_id": "forget",
        "status_code": 204,
        "response_class": Response,
        "responses": _problems(404),
        "openapi_extra": {"parameters": [_ID]},
    }


def tells(path: str) -> dict[str, Any]:
    """Of a route that tells of the service."""
    summary = {
        "/v1/models": "The model that is loaded",
        "/v1/styles": "Styles, options and limits",
        "/healthz": "Whether the process lives",
        "/readyz": "Whether the model is loaded",
        "/metrics": "Counters and times, for Prometheus",
    }[path]
    media_type, schema = JSON, {"type": "object"}
    if path == "/metrics":
        media_type, schema = "text/plain", {"type": "string"}
    ok = {"description": summary, "content": {media_type: {"schema": schema}}}
    needs = () if path in ("/healthz", "/v1/styles", "/metrics") else (503,)
    return {
        "summary": summary,
        "operation_id": path.rpartition("/")[2],
        "response_class": Response,
        "responses": {200: ok, **_problems(*needs)},
    }


def removes() -> dict[str, Any]:
    """Of rembg's route."""
    ok = {"description": "PNG", "content": {TYPES["png"]: {"schema": _BINARY}}}
    parameters = [
        {"name": name, "in": "query", "schema": schema} for name, schema in PARAMETERS.items()
    ]
    return {
        "summary": "The cut-out on nothing, as rembg's server gives it",
        "operation_id": "remove",
        "response_class": Response,
        "responses": {200: ok, **_problems(*_WORK)},
        "openapi_extra": {"parameters": parameters, "requestBody": _FORM_OF_REMBG},
    }


def _body(is_kept: bool) -> dict[str, Any]:
    files = dict.fromkeys(("background", "palette"), _BINARY)
    if is_kept:
        form = {"type": "object", "properties": files, "additionalProperties": False}
        return {"required": False, "content": {"multipart/form-data": {"schema": form}}}
    form = {
        "type": "object", "properties": {"file": _BINARY, **files}, "required": ["file"],
        "additionalProperties": False,
    }  # fmt: skip
    raw = ("image/jpeg", "image/png", "image/webp", "application/octet-stream")
    content = {name: {"schema": _BINARY} for name in raw}
    return {"required": True, "content": content | {"multipart/form-data": {"schema": form}}}


_FORM_OF_REMBG = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {"type": "object", "properties": {"file": _BINARY}, "required": ["file"]}
        }
    },
}


def _in_query(name: str) -> dict[str, Any]:
    schema = dict(SCHEMAS[name])
    return {
        "name": name, "in": "query", "required": False,
        "description": schema.pop("description", ""), "schema": schema,
    }  # fmt: skip


_ID = {"name": "key", "in": "path", "required": True, "schema": {"type": "string"}}


def _problems(*statuses: int) -> dict[int | str, Any]:
    content = {MEDIA_TYPE: {"schema": _PROBLEM}}
    return {
        status: {"description": _WORDS[status], "content": content}
        for status in sorted({*statuses, *_GUARDS})
    }
