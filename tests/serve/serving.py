"""Services to be tried: a real uvicorn in a thread of this process, or in one of its own."""

import contextlib
import io
import os
import re
import socket
import subprocess
import sys
import threading

import httpx
import numpy as np
from PIL import Image

from engine.serve import ServeOptions, create_app
from engine.serve.connection import make_server
from tests.folders import wait_for

PATIENCE_S = 60
"""For what has to happen at some time: no test measures speed."""


class Served:
    """A service that listens on a port of this machine."""

    def __init__(self, port):
        self.port, self.url = port, f"http://127.0.0.1:{port}"
        self.client = httpx.Client(base_url=self.url, timeout=PATIENCE_S)

    def get(self, path, **more):
        return self.client.get(path, **more)

    def post(self, path, photo=None, **more):
        return self.client.post(path, content=photo, **more)

    def connect(self):
        """A bare connection, with a deadline for each of its calls."""
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE_S)

    def measure(self, name):
        """A number of /metrics; 0 for a counter that was not counted yet."""
        found = re.findall(
            rf"^cartoonify_{re.escape(name)} (\S+)$", self.get("/metrics").text, re.M
        )
        return float(found[0]) if found else 0.0


@contextlib.contextmanager
def serving(app, **options):
    """A service in a thread; the options are those of `ServeOptions`."""
    options = ServeOptions(**options)
    api = create_app(options, app)
    server = make_server(api, options.stall_seconds, drain_s=PATIENCE_S)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        served = Served(listener.getsockname()[1])
        served.server, served.service = server, api.state.service
        try:
            wait_for(lambda: served.get("/readyz").status_code == 200)
            yield served
        finally:
            served.client.close()
            server.should_exit = True
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


class Program(Served):
    """`cartoonify serve` in a process of its own."""

    def __init__(self, *options, env=None, port=0):
        command = [sys.executable, "-m", "engine.run", "serve", "--port", str(port)]
        self.process = subprocess.Popen(
            [*command, *map(str, options)], env=os.environ | (env or {}), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.greeting = self.process.stdout.readline()
        self.lines = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        super().__init__(int(re.search(r"http://\S+:(\d+);", self.greeting)[1]))
        wait_for(lambda: self.get("/readyz").status_code == 200)

    def _read(self):
        self.lines.extend(self.process.stderr)

    def end(self):
        """Its exit code; killed if it does not end."""
        try:
            return self.process.wait(PATIENCE_S)
        finally:
            self.process.kill()
            self.process.wait()
            self._reader.join()
            self.client.close()
            self.process.stdout.close()
            self.process.stderr.close()


def encode(pixels, format="png", **more):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format, **more)
    return buffer.getvalue()


def decode(data):
    return np.asarray(Image.open(io.BytesIO(data)))


def read_all(connection):
    """What the other side sends until it closes; a reset counts as that."""
    pieces = []
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(1 << 16):
            pieces.append(piece)
    return b"".join(pieces)


def head(path="/v1/cartoon", *lines):
    """Of a POST, as bytes."""
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()
