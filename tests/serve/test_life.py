"""How a service begins, ends and lasts: the program `cartoonify serve` in a process of its own."""

import contextlib
import json
import random
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest

from tests.folders import wait_for
from tests.serve.serving import Program, encode

psutil = pytest.importorskip("psutil", reason="psutil is not installed")


@pytest.fixture
def start(tiny_model):
    """Starts programs, and sees to it that none is left."""
    with contextlib.ExitStack() as stack:

        def start(*options, **more):
            program = Program("--model", tiny_model, *options, **more)
            stack.callback(program.end)
            stack.callback(program.process.kill)
            return program

        yield start


def test_it_says_where_it_listens_and_logs_no_names(start, person):
    program = start()
    assert program.greeting.startswith("Cartoonify listens on http://127.0.0.1:")
    assert "memory only" in program.greeting
    program.client.post("/v1/cartoon", files={"file": ("secret.png", person)})
    program.client.post("/v1/cartoon", files={"file": ("secret.png", person[:200])})
    assert program.get("/healthz", headers={"Host": "evil.example"}).status_code == 421
    program.process.send_signal(signal.SIGINT)
    assert program.end() == 0
    lines = [json.loads(line) for line in program.lines]
    assert [line["status"] for line in lines if line.get("route") == "/v1/cartoon"] == [200, 422]
    assert "secret" not in "".join(program.lines)


def accepted(program):
    return program.measure("queue") + program.measure("in_flight")


def test_what_was_accepted_is_done_when_it_is_terminated(start):
    program = start("--jobs", 1, "--queue", 50)
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8)
    large = encode(np.tile(noise, (8, 8, 1)))
    with ThreadPoolExecutor(12) as pool:
        sent = [pool.submit(program.post, "/v1/cartoon", large) for _ in range(12)]
        wait_for(lambda: accepted(program) + sum(future.done() for future in sent) >= 12)
        program.process.terminate()
        answers = [future.result() for future in sent]
    assert [answer.status_code for answer in answers] == [200] * 12
    assert len({answer.content for answer in answers}) == 1
    assert program.end() == 0
    with pytest.raises(OSError, match="refused"):
        program.connect()


@pytest.mark.slow
def test_nobody_gets_half_an_answer_when_it_is_terminated_under_load(start, person):
    program = start()
    expected = program.post("/v1/cartoon", person).content
    cut, whole = [], []

    def ask():
        with httpx.Client(base_url=program.url, timeout=60) as client:
            while True:
                try:
                    answer = client.post("/v1/cartoon", content=person)
                except httpx.ConnectError:
                    return
                except httpx.TransportError as error:
                    cut.append(repr(error))
                    return
                whole.append(answer.status_code == 200 and answer.content == expected)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(whole) >= 20 or not any(thread.is_alive() for thread in threads))
    program.process.terminate()
    for thread in threads:
        thread.join(60)
    assert cut == []
    assert all(whole)
    assert program.end() == 0


def soak(program, photos, expected, requests, clients):
    """Sends photos, of which None stands for a broken one; the statuses."""
    shuffled = random.Random(0).choices(range(len(photos)), k=requests)

    def send(index):
        answer = program.post("/v1/cartoon", photos[index])
        assert answer.status_code in (200, 415, 422)
        assert (answer.content == expected[index]) == (answer.status_code == 200)
        return answer.status_code

    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(send, shuffled))


@pytest.mark.slow
def test_it_is_killed_under_load_and_started_again(start, tiny, person):
    expected = tiny(person).encode("cartoon")
    program = start()
    with ThreadPoolExecutor(6) as pool:
        sent = [pool.submit(program.post, "/v1/cartoon", person) for _ in range(30)]
        sent[0].result()
        program.process.kill()
        for future in sent:
            with contextlib.suppress(httpx.TransportError):
                assert future.result().content == expected
    again = start(port=program.port)
    assert again.post("/v1/cartoon", person).content == expected


@pytest.mark.slow
def test_memory_stays_flat(start, tiny, person):
    reds = [np.full((80 + n, 120, 3), (250, 20, 9 * n), np.uint8) for n in range(8)]
    photos = [person, *map(encode, reds)]
    expected = [*(tiny(photo).encode("cartoon") for photo in photos), None]
    photos.append(person[:300])
    program = start("--queue", 100)
    process = psutil.Process(program.process.pid)
    statuses = soak(program, photos, expected, 100, 8)
    before = process.memory_info().rss
    statuses += soak(program, photos, expected, 200, 8)
    assert process.memory_info().rss < 1.1 * before
    assert set(statuses) == {200, 422}
    assert program.measure('refusals_total{reason="bug"}') == 0
    assert accepted(program) == 0


def test_a_port_that_is_taken_is_told(cartoonify):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, _, err = cartoonify("serve", "--port", taken.getsockname()[1])
    assert code == 2
    assert "--port" in err


@pytest.mark.parametrize(
    "wrong",
    [("--port", "70000"), ("--host", "999.1.1.1"), ("--queue", "-1"), ("--max-megabytes", "0"),
     ("--token", "a b"), ("--jobs", "0"), ("--origins", "friend")],
)  # fmt: skip
def test_wrong_options_of_the_program_are_told_in_one_line(cartoonify, wrong):
    code, out, err = cartoonify("serve", *wrong)
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_a_model_that_is_not_there_ends_it(cartoonify):
    assert cartoonify("serve", "--port", 0, model="/no/such.onnx")[0] == 4


def test_without_the_extra_it_says_what_to_install(cartoonify, monkeypatch):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        "engine.cli.serve.importlib.util.find_spec",
        lambda name: None if name == "uvicorn" else find(name),
    )
    code, _, err = cartoonify("serve", "--port", 0)
    assert code == 2
    assert "uvicorn" in err
    assert "[serve]'" in err
