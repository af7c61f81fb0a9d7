"""uvicorn's protocol, with the deadlines that it leaves to a proxy in front.

A connection may idle, send a request's head, and take its answer, only as slowly as `Pace` allows;
the deadline for a body is `uploads`'. Of too many connections, the longest idle one is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import Server

from engine.serve.pace import Pace
from engine.serve.problems import Problem, answer

MOST_CONNECTIONS = 500
PATROL_S = 0.5
"""How often a connection is looked at."""
LINGER_S = 2.0
"""For the rest of a body that was refused: closed at once, the client would not see the answer."""
LAST_WORDS_S = 0.2
"""For requests that are on their way when the service stops."""


class Connection(H11Protocol):
    """One client's connection."""

    stall_s = 10.0
    """See `ServeOptions.stall_seconds`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._idle_since = time.monotonic()
        self._reader: Pace | None = None
        self._buffered = 0
        self._is_ending = False
        self._patrol = self.loop.call_later(PATROL_S, self._look)
        if len(self.connections) > MOST_CONNECTIONS:
            _close_one(self.connections)

    def connection_lost(self, exc: Exception | None) -> None:
        self._patrol.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        try:
            super().data_received(data)
        except h11.LocalProtocolError:  # nonsense after an answer that was sent already
            self.transport.abort()
        if self._is_ending:
            self._say_that_it_ends()

    def shutdown(self) -> None:
        """What was asked for, or is on its way, is answered still; the client is told that it is
        the last answer, so that it does not ask again where nobody listens."""
        self._is_ending = True
        self._say_that_it_ends()
        if self.is_idle:
            self.loop.call_later(LAST_WORDS_S, self._shut_down)
        else:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """As a problem."""
        response = answer(Problem(400, "http", "this is not HTTP."))
        headers = [*response.raw_headers, (b"connection", b"close")]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=bytes(response.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def idle_since(self) -> float:
        """When it began to be idle."""
        return self._idle_since

    def _say_that_it_ends(self) -> None:
        if not self.is_idle:  # what the request says of it is repeated in the answer
            self.cycle.scope["headers"] = [*self.cycle.scope["headers"], CLOSE_HEADER]

    def _shut_down(self) -> None:
        if not self.transport.is_closing():
            super().shutdown()

    def on_response_complete(self) -> None:
        self._idle_since = time.monotonic()
        super().on_response_complete()

    def _look(self) -> None:
        self._patrol = self.loop.call_later(PATROL_S, self._look)
        if self._takes_too_slowly():
            self.transport.abort()
        elif self._asks_too_slowly():
            self.transport.close()

    def _takes_too_slowly(self) -> bool:
        """Whether the client leaves our answer lying, or takes it by drops."""
        size = self.transport.get_write_buffer_size()
        if not size:
            self._reader, self._buffered = None, 0
            return False
        self._reader = self._reader or Pace(self.stall_s)
        self._reader.gain(max(0, self._buffered - size))
        self._buffered = size
        return self._reader.left_s <= 0

    def _asks_too_slowly(self) -> bool:
        """Whether there is no request, and none has come for long."""
        if not self.is_idle or self.transport.get_write_buffer_size():
            return False
        is_refused = self.cycle is not None and self.conn.their_state is h11.SEND_BODY
        limit = LINGER_S if is_refused else self.stall_s
        return time.monotonic() - self._idle_since > limit


class LastingServer(Server):
    """uvicorn's server; it loses nobody when it ends."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accepts all who are connected to the listeners, and have not been noticed yet."""
        loop = asyncio.get_running_loop()
        for listener in sockets or []:
            with contextlib.suppress(BlockingIOError):
                for _ in range(MOST_CONNECTIONS):
                    client, _ = listener.accept()
                    client.setblocking(False)
                    await loop.connect_accepted_socket(self._connect, client)
        await super().shutdown(sockets)

    def _connect(self) -> asyncio.Protocol:
        protocol: Any = self.config.http_protocol_class
        connection: asyncio.Protocol = protocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return connection


def _close_one(connections: set[Any]) -> None:
    idle = [c for c in connections if isinstance(c, Connection) and c.is_idle]
    if idle:
        min(idle, key=lambda connection: connection.idle_since).transport.abort()


def make_server(app: Any, stall_s: float, drain_s: float) -> Server:
    """A server for an application; it ends some `drain_s` after a signal at the latest."""
    protocol = type("BoundConnection", (Connection,), {"stall_s": stall_s})
    config = Config(
        app, http=protocol, ws="none", loop="asyncio", lifespan="on", log_config=None,
        access_log=False, server_header=False, timeout_keep_alive=max(1, int(stall_s)),
        timeout_graceful_shutdown=int(drain_s), backlog=1024,
    )  # fmt: skip
    return LastingServer(config)
