"""`cartoonify serve`: a page to drop photos on, and a service for programs."""

from __future__ import annotations

import importlib.util
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated

import typer

from engine import process
from engine.cli import loading
from engine.cli.command import takes
from engine.cli.exits import put, say
from engine.errors import OptionError
from engine.serve.options import LOOPBACK, ServeOptions
from engine.versions import how_to_install

if TYPE_CHECKING:
    from engine.pipeline import Cartoonifier

_NEEDED = ("fastapi", "uvicorn", "python_multipart", "prometheus_client")
_DRAIN_S = 10
"""Beside the time of a request, for answers that are being taken."""


@dataclass(frozen=True, kw_only=True)
class ServeRequest:
    """Raises OptionError."""

    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 for all of this machine's.")
    ] = "127.0.0.1"
    port: Annotated[int, typer.Option("-p", "--port", help="0 for any that is free.")] = 7000
    model: loading.Model = "default"
    models: loading.Models = None
    provider: loading.Provider = "auto"
    threads: loading.Threads = None
    jobs: Annotated[
        int | None,
        typer.Option("-j", "--jobs", metavar="N", help="Photos at a time. Default: as threads."),
    ] = None
    max_megabytes: Annotated[float, typer.Option(help="Larger uploads are refused.")] = (
        ServeOptions.max_megabytes
    )
    max_megapixels: Annotated[float, typer.Option(help="Larger photos are refused.")] = (
        ServeOptions.max_megapixels
    )
    queue: Annotated[int, typer.Option(help="Requests that may wait; others get a 503.")] = (
        ServeOptions.queue
    )
    client_requests: Annotated[
        int, typer.Option(help="Of one address at a time; others get a 429. 0: any number.")
    ] = ServeOptions.client_requests
    request_seconds: Annotated[float, typer.Option(help="For one request; then a 504.")] = (
        ServeOptions.request_seconds
    )
    stall_seconds: Annotated[
        float, typer.Option(help="How long a client may keep the service waiting.")
    ] = ServeOptions.stall_seconds
    kept_minutes: Annotated[
        float, typer.Option(help="Photos stay in memory since their last use, for redrawing.")
    ] = ServeOptions.kept_minutes
    kept_megabytes: Annotated[float, typer.Option(help="Of all photos that stay.")] = (
        ServeOptions.kept_megabytes
    )
    kept_photos: Annotated[int, typer.Option(help="How many stay.")] = ServeOptions.kept_photos
    token: Annotated[
        str, typer.Option(help="Requests must bear it.", envvar="CARTOONIFY_TOKEN")
    ] = ""
    origins: Annotated[
        str, typer.Option(metavar="ORIGINS", help="Other sites that may use it, by commas; or *.")
    ] = ""
    hosts: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Names by which it may be called, by commas; or *. Default: this machine's own "
            "if only it can call, else any.",
        ),
    ] = ""
    log_names: Annotated[
        bool, typer.Option("--log-names", help="The log may have names of files.")
    ] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Log only what goes wrong.")] = False

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise OptionError(f"port is {self.port}; it lies in 0..65535.")
        _ = self.options

    @property
    def is_local(self) -> bool:
        """Whether nobody but this machine can call."""
        return self.host in LOOPBACK

    @property
    def options(self) -> ServeOptions:
        """Those of the service. Raises OptionError."""
        same = {
            field.name: getattr(self, field.name)
            for field in fields(ServeOptions)
            if field.name not in ("origins", "hosts")
        }
        hosts = self.hosts or (",".join(LOOPBACK) if self.is_local else "*")
        return ServeOptions(
            origins=_split(self.origins), hosts=() if hosts == "*" else _split(hosts), **same
        )


@takes(ServeRequest, process.prepare_imports)
def serve(request: ServeRequest) -> None:
    """Serve a page to drop photos on, and the same over HTTP for programs.

    Nothing is written to disk; photos stay in memory for some minutes. Ctrl-C or SIGTERM ends it
    when what is under way is done.

    Exit codes: 0 it was ended; 2 wrong usage, or the port is taken; 4 the model; 5 the provider.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        message = f"serve needs {', '.join(missing)}: {how_to_install('serve')}."
        raise OptionError(message)
    _serve(request)


def _serve(request: ServeRequest) -> None:
    from engine.pipeline import load
    from engine.serve import logs
    from engine.serve.app import create_app
    from engine.serve.connection import make_server

    options = request.options
    with _listen(request) as listener:
        _, threads = process.own_process(options.threads, options.jobs, sys.maxsize)
        logs.set_up(verbose=not request.quiet, names=options.log_names)
        app: Cartoonifier = load(
            options.model, options.provider, threads,
            max_megapixels=options.max_megapixels, models=options.models,
        )  # fmt: skip
        server = make_server(
            create_app(options, app), options.stall_seconds, options.request_seconds + _DRAIN_S
        )
        _greet(request, listener)
        # uvicorn raises the signal that ended it once more, when all is done.
        with app, suppress(KeyboardInterrupt):
            server.run([listener])


def _listen(request: ServeRequest) -> socket.socket:
    """Raises OptionError when the address is not ours, or taken."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            request.host, request.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family, backlog=1024)
    except OSError as error:
        message = f"{request.host}:{request.port} cannot be listened on: {error.strerror}."
        raise OptionError(message, option="port", advice="Choose another one with {}.") from error


def _greet(request: ServeRequest, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    name = f"[{host}]" if ":" in host else host
    put(f"Cartoonify listens on http://{name}:{port}; photos are kept in memory only.")
    if not request.is_local:
        token = "" if request.token else ", and no token is asked for"
        say(f"warning: others can reach {host}{token}. Put a proxy with TLS in front.")


def _split(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
