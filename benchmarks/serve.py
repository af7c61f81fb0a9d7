"""The service against the batch, and for long: `python -m benchmarks.serve`.

Throughput: photos of 450 x 600 by 4 clients, against the batch on the same machine, in turn in one
run; both read, draw and encode a cartoon. Latency: requests at half of that rate, however long the
answers take. Soak: requests by many clients, a tenth of them broken; statuses, whether each good
answer has the very bytes of the engine, and the service's memory after a tenth of the requests and
at the end.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.portrait import portrait
from benchmarks.setting import QUICK, argument_parser
from benchmarks.turns import compare, in_turns
from engine import load
from engine.batch.plan import Task
from engine.batch.run import run_here
from engine.batch.target import Target
from engine.batch.work import Work, Worker
from engine.files.pictures import encode_image
from engine.options import OutputOptions
from engine.pipeline import Cartoonifier
from engine.process import own_process

PHOTOS, CLIENTS, ROUNDS = 48, 4, 7
LATENCIES = 200
SIZES = ((150, 200), (200, 150), (240, 320), (320, 240), (300, 300), (450, 600))
LARGEST_GROWTH = 0.10


@dataclass(frozen=True)
class Sent:
    """A request of the soak, and what should come of it."""

    body: bytes
    path: str = "/v1/cartoon"
    status: int = 200
    expected: bytes = b""
    leaves: bool = False
    """Whether the client goes away in the middle."""


def main() -> None:
    """Three tables, or one JSON object."""
    parser = argument_parser(__doc__, writes=False)
    parser.add_argument("--requests", type=int, default=10_000, help="Of the soak.")
    parser.add_argument("--clients", type=int, default=32, help="Of the soak.")
    parser.add_argument("--json", action="store_true", help="Print one JSON object instead.")
    options = parser.parse_args()
    if options.quick:
        options.requests, options.clients = 60, 6
    workers, threads = own_process(None, None, sys.maxsize)
    with load(threads=threads) as app, _served(options.clients) as (port, process):
        found: dict[str, dict[str, object]] = {}
        found["throughput"] = measure_throughput(app, port, process.pid, workers, options.quick)
        rate = float(str(found["throughput"]["service, photos per second"]))
        found["latency"] = measure_latency(port, rate / 2, 10 if options.quick else LATENCIES)
        found["soak"] = soak(app, port, process.pid, options.requests, options.clients)
    if options.json:
        print(json.dumps(found))
    else:
        for part, values in found.items():
            print(part)
            for what, value in values.items():
                print(
                    f"  {what}: {value:.4g}" if isinstance(value, float) else f"  {what}: {value}"
                )
    if options.quick:
        print(QUICK)


def measure_throughput(
    app: Cartoonifier, port: int, pid: int, workers: int, quick: bool
) -> dict[str, object]:
    """Photos per second of both, and the service's time over the batch's."""
    count = 2 * CLIENTS if quick else PHOTOS
    photo = encode_image(_photo(450, 600), "jpg")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "me.jpg")
        path.write_bytes(photo)
        target = Target(OutputOptions(("cartoon",)), folder=folder, overwrite=True)
        worker = Worker(app, Work(target, measure=False))
        tasks = [Task(str(path), f"me{number}") for number in range(count)]

        processor = {"batch": 0.0, "service": 0.0}

        def do_batch() -> None:
            start = time.process_time()
            assert all(record.state == "done" for record in run_here(tasks, worker, None, workers))
            processor["batch"] += time.process_time() - start

        def do_service() -> None:
            start = _processor_seconds(pid)
            with ThreadPoolExecutor(CLIENTS) as pool:
                list(pool.map(lambda _: _ask_often(port, photo, count // CLIENTS), range(CLIENTS)))
            processor["service"] += _processor_seconds(pid) - start

        contenders: dict[str, Callable[[], None]] = {"batch": do_batch, "service": do_service}
        seconds = in_turns(contenders, 1 if quick else ROUNDS, 1)
    per_second = {name: count * len(times) / sum(times) for name, times in seconds.items()}
    return {
        "batch, photos per second": per_second["batch"],
        "service, photos per second": per_second["service"],
        "service's time over the batch's (quartiles)": str(compare(seconds, "service", "batch")),
        "service's processor time over the batch's": processor["service"] / processor["batch"],
    }


def measure_latency(port: int, rate: float, count: int) -> dict[str, object]:
    """Milliseconds from when a request is due to the end of its answer, at `rate` per second."""
    photo = encode_image(_photo(450, 600), "jpg")
    start = time.perf_counter()

    def ask(number: int) -> float:
        due = start + number / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        assert _ask(port, Sent(photo))[0] == 200
        return (time.perf_counter() - due) * 1e3

    with ThreadPoolExecutor(32) as pool:
        times = list(pool.map(ask, range(count)))
    p50, p99 = np.percentile(times, (50, 99)).tolist()
    return {"requests per second": rate, "p50, ms": p50, "p99, ms": p99}


def soak(app: Cartoonifier, port: int, pid: int, requests: int, clients: int) -> dict[str, object]:
    """Statuses, wrong answers, and the memory after a tenth and at the end."""
    kinds = itertools.cycle(_make_requests(app))
    order = list(itertools.islice(kinds, requests))
    warm = requests // 10
    statuses: Counter[str] = Counter()
    wrong = _send_all(port, order[:warm], clients, statuses)
    before = _resident_mb(pid)
    start = time.perf_counter()
    wrong += _send_all(port, order[warm:], clients, statuses)
    seconds, after = time.perf_counter() - start, _resident_mb(pid)
    assert wrong == 0, f"{wrong} answers were not as expected"
    return {
        "requests": requests, "clients": clients, "statuses": dict(sorted(statuses.items())),
        "wrong answers": wrong, "requests per second": (requests - warm) / seconds,
        "memory after a tenth, MB": before, "memory at the end, MB": after,
        "growth": after / before - 1,
        "within": "yes" if after <= (1 + LARGEST_GROWTH) * before else "NO",
    }  # fmt: skip


def _make_requests(app: Cartoonifier) -> list[Sent]:
    """A round of them, of which a tenth is broken."""
    photos = [encode_image(_photo(*size), "jpg") for size in SIZES]
    good = [Sent(photo, expected=app(photo).encode("cartoon")) for photo in photos]
    broken = [
        Sent(photos[0][:500], status=422), Sent(b"hello", status=415), Sent(b"", status=400),
        Sent(photos[0], "/v1/cartoon?background=/etc/passwd", 422), Sent(photos[1], leaves=True),
        Sent(_bomb(), status=413),
    ]  # fmt: skip
    return [sent for index in range(6) for sent in [*(good * 2)[:9], broken[index]]]


def _bomb() -> bytes:
    """A PNG of a few bytes that claims 60,000 x 60,000 pixels."""
    size = (60_000).to_bytes(4, "big")
    header = b"IHDR" + size + size + b"\x08\x02\0\0\0"
    checksum = zlib.crc32(header).to_bytes(4, "big")
    pixels = b"\0\0\0\x0aIDAT" + bytes(14)
    return b"\x89PNG\r\n\x1a\n\0\0\0\r" + header + checksum + pixels


def _send_all(port: int, order: Sequence[Sent], clients: int, statuses: Counter[str]) -> int:
    """How many answers were not as expected."""
    lock = threading.Lock()

    def send(sent: Sent) -> bool:
        status, body = _ask(port, sent)
        while status == 503:
            time.sleep(0.5)
            status, body = _ask(port, sent)
        with lock:
            statuses["left" if sent.leaves else str(status)] += 1
        is_right = status == sent.status and (status != 200 or body == sent.expected)
        return sent.leaves or is_right

    with ThreadPoolExecutor(clients) as pool:
        return sum(not is_right for is_right in pool.map(send, order))


_local = threading.local()


def _ask(port: int, sent: Sent) -> tuple[int, bytes]:
    """Status and body, on the thread's own connection."""
    known = getattr(_local, "connection", None)
    connection = known or http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    _local.connection = connection
    try:
        if sent.leaves:
            connection.putrequest("POST", sent.path)
            connection.putheader("Content-Length", str(len(sent.body)))
            connection.endheaders(sent.body[: len(sent.body) // 2])
            connection.close()
            return 0, b""
        connection.request("POST", sent.path, sent.body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (http.client.HTTPException, ConnectionError):
        connection.close()
        if known is None:
            raise
        _local.connection = None  # it had idled too long; once more on a new one
        return _ask(port, sent)


def _ask_often(port: int, photo: bytes, count: int) -> None:
    for _ in range(count):
        assert _ask(port, Sent(photo))[0] == 200


def _photo(height: int, width: int) -> np.ndarray:
    return portrait(height, width, cv2.INTER_AREA)


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found
    return int(found[1]) / 1024


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _served(clients: int) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """A service in a process of its own, when it is ready."""
    command = [sys.executable, "-m", "engine.run", "serve", "--port", "0", "--quiet"]
    process = subprocess.Popen(
        [*command, "--queue", str(clients)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        found = re.search(r"http://\S+:(\d+);", process.stdout.readline())
        assert found
        while not _is_ready(int(found[1])):
            time.sleep(0.2)
        yield int(found[1]), process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(90)
        process.kill()


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("GET", "/readyz")
    is_ready = connection.getresponse().status == 200
    connection.close()
    return is_ready


if __name__ == "__main__":
    main()
