"""One request that needs the engine, from its body to its answer."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from engine.errors import OptionError
from engine.found import Found
from engine.serve import answers, rembg
from engine.serve.answers import Answer
from engine.serve.parameters import NAMES, Asked, parse
from engine.serve.problems import Problem
from engine.serve.service import Order, Service, find
from engine.serve.uploads import Body, Holding, put_once

FOR_FINDING = frozenset({"keep", "precise", "classic", "model", "name"})
"""Options that can be given when a photo is kept: the others are for drawing it."""


class Visit:
    """A client that was let in."""

    def __init__(self, request: Request, service: Service, holding: Holding) -> None:
        self._request, self._service, self._holding = request, service, holding

    async def draw(self, kind: str) -> Response:
        """A photo, found and drawn."""
        asked, body = await self._read(kind)
        order = self._order(asked, body)
        _ = body.photo  # or a problem, before it waits
        return await self._answer(order, None)

    async def draw_kept(self, kind: str, key: str) -> Response:
        """A photo that is kept, drawn."""
        found = self._service.kept.get(key)
        asked, body = await self._read(kind)
        if "photo" in body.files:
            raise Problem(
                422, "option", "this photo is kept already; leave out the file.", option="file"
            )
        return await self._answer(self._order(asked, body), found)

    async def remove(self) -> Response:
        """A photo without its background, as rembg's server gives it."""
        service = self._service
        model = service.app.model.name
        texts = self._query()
        rembg.translate(texts, model)
        body = await self._read_body()
        _add(texts, body.texts)
        ours, notes = rembg.translate(texts, model)
        for name in body.files.keys() - {"photo"}:
            raise Problem(422, "option", f"{name} is no file of rembg's.", option=name)
        _ = body.photo  # or a problem, before it waits
        order = Order(service.app, parse(ours, "cutout", model), body, answers.TYPES["png"])
        response = await self._answer(order, None)
        if notes:
            response.headers["Cartoonify-Notes"] = json.dumps(notes)
        return response

    async def keep(self) -> Response:
        """A photo, found and kept."""
        service = self._service
        asked, body = await self._read("cartoon", FOR_FINDING)
        photo, app = body.photo, service.app
        order = Order(app, asked, Body(files={"photo": photo}), "")
        found: Found = await service.desk.do(
            order.cost, lambda check: find(app, body, asked.name, asked.segment), self._gone()
        )
        service.measures.time_stages(found.timings)
        key = service.kept.put(found)
        height, width = found.photo.shape[:2]
        is_kept = found.probability > app.cutout.threshold
        document = {
            "id": key, "name": found.name, "width": width, "height": height,
            "share": float(np.mean(is_kept)),
            "warnings": [] if is_kept.any() else [found.segment.nothing_found],
            "expires_in": service.kept.seconds,
        }  # fmt: skip
        return JSONResponse(document, 201)

    async def _read(self, kind: str, allowed: frozenset[str] = NAMES) -> tuple[Asked, Body]:
        """What is asked for, and the body. The query is checked before the body is read."""
        model = self._service.app.model.name
        texts = self._query()
        _check_allowed(texts, allowed)
        parse(texts, kind, model)
        body = await self._read_body()
        _add(texts, body.texts)
        _check_allowed(texts, allowed)
        for name in body.files.keys() & texts.keys():
            raise Problem(422, "option", f"{name} is given twice.", option=name)
        return parse(texts, kind, model), body

    def _query(self) -> dict[str, str]:
        texts: dict[str, str] = {}
        for name, text in self._request.query_params.multi_items():
            put_once(texts, name, text)
        return texts

    async def _read_body(self) -> Body:
        self._service.desk.check_room()
        request = self._request
        return await self._service.intake.read(request, request.receive, self._holding)

    def _order(self, asked: Asked, body: Body) -> Order:
        asked, media_type = answers.settle(asked, self._request.headers.get("accept", ""))
        return Order(self._service.app, asked, body, media_type)

    async def _answer(self, order: Order, found: Found | None) -> Response:
        service = self._service
        answer: Answer = await service.desk.do(
            lambda: order.cost(found), lambda check: order.do(check, found), self._gone()
        )
        service.measures.time_stages(answer.timings)
        return Response(answer.body, 200, answer.headers, answer.media_type)

    async def _gone(self) -> None:
        """Returns when the client has left."""
        while (await self._request.receive())["type"] != "http.disconnect":
            pass


@contextlib.asynccontextmanager
async def visit(request: Request, service: Service) -> AsyncIterator[Visit]:
    """A visit of the client, if there is room for it. Raises Problem."""
    client = request.client.host if request.client else ""
    with service.desk.client(client), service.intake.holding() as holding:
        yield Visit(request, service, holding)


def _add(texts: dict[str, str], more: dict[str, str]) -> None:
    for name, text in more.items():
        put_once(texts, name, text)


def _check_allowed(texts: dict[str, str], allowed: frozenset[str]) -> None:
    for name in (texts.keys() & NAMES) - allowed:
        raise OptionError(f"{name} is for drawing; give it then.", option=name)
