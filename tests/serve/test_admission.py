"""Who is served, who waits, and who is sent away."""

import asyncio
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from engine.pipeline import Cartoonifier
from engine.serve.desk import Desk
from engine.serve.kept import KeptPhotos, size_of
from engine.serve.problems import Problem
from tests.folders import wait_for
from tests.serve.serving import encode, head, serving


@contextlib.contextmanager
def sending(served, person, count):
    """`count` requests at the same time; their answers when the block is left."""
    answers = []
    with ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(served.post, "/v1/cartoon", person) for _ in range(count)]
        yield answers
        answers += [future.result() for future in futures]


def test_more_than_may_wait_are_sent_away_and_told_when_to_come_again(tiny, person, gate):
    with serving(tiny, jobs=1, queue=2) as served:
        closed = gate()
        with sending(served, person, 3) as answers:
            wait_for(lambda: served.measure("in_flight") == 1 and served.measure("queue") == 2)
            refused = served.post("/v1/cartoon", person)
            closed.open()
        assert [answer.status_code for answer in answers] == [200] * 3
        assert refused.status_code == 503
        assert refused.json()["type"] == "urn:cartoonify:busy"
        assert int(refused.headers["retry-after"]) >= 1
        assert served.post("/v1/cartoon", person).status_code == 200
        assert served.measure('refusals_total{reason="busy"}') == 1


def test_one_client_does_not_take_all_places(tiny, person, gate):
    with serving(tiny, jobs=1, client_requests=1) as served:
        closed = gate()
        with sending(served, person, 1) as answers:
            wait_for(lambda: closed.arrived)
            refused = served.post("/v1/cartoon", person)
            closed.open()
        assert answers[0].status_code == 200
        assert refused.status_code == 429
        assert "retry-after" in refused.headers
        assert served.post("/v1/cartoon", person).status_code == 200


def test_what_takes_too_long_is_answered_with_504(tiny, person, gate):
    with serving(tiny, jobs=1, request_seconds=0.3) as served:
        closed = gate()
        answer = served.post("/v1/cartoon", person)
        assert answer.status_code == 504
        assert answer.json()["type"] == "urn:cartoonify:time"
        closed.open()
        wait_for(lambda: served.measure("in_flight") == 0)


def test_the_work_of_a_client_that_left_is_dropped(tiny, person, gate):
    with serving(tiny, jobs=1) as served:
        closed = gate()
        with contextlib.ExitStack() as stack:
            for name in ("first", "second", "third"):
                connection = stack.enter_context(served.connect())
                length = f"Content-Length: {len(person)}"
                connection.sendall(head(f"/v1/cartoon?name={name}", length) + person)
                wait_for(lambda: closed.arrived)
            wait_for(lambda: served.measure("queue") == 2)
        wait_for(lambda: served.measure("clients_left_total") == 3)
        wait_for(lambda: served.measure("queue") == 0)
        closed.open()
        wait_for(lambda: served.measure("in_flight") == 0)
        assert closed.arrived == ["first"]


def test_a_slow_upload_holds_no_worker(tiny, person):
    with serving(tiny, jobs=1, queue=0) as served, contextlib.ExitStack() as stack:
        for _ in range(20):
            connection = stack.enter_context(served.connect())
            connection.sendall(head("/v1/cartoon", f"Content-Length: {len(person)}") + person[:70])
        assert served.post("/v1/cartoon", person).status_code == 200


def test_uploads_share_a_bounded_memory(tiny, person):
    photo = person.ljust(1900, b"\0")
    with serving(tiny, max_megabytes=0.002) as served, contextlib.ExitStack() as stack:
        for _ in range(8):
            connection = stack.enter_context(served.connect())
            connection.sendall(head("/v1/cartoon", "Content-Length: 2000") + photo)
        wait_for(lambda: served.service.intake.room == 16_000 - 8 * 1900)
        assert served.post("/v1/cartoon", photo).status_code == 503
    wait_for(lambda: served.service.intake.room == 16_000)


@pytest.mark.parametrize("error", [RuntimeError("a secret"), MemoryError(), ZeroDivisionError()])
def test_a_bug_in_a_stage_ends_that_request_only(tiny, person, monkeypatch, error):
    def fail(*_, **__):
        raise error

    with serving(tiny, jobs=1) as served:
        with monkeypatch.context() as patch:
            patch.setattr(Cartoonifier, "draw", fail)
            answer = served.post("/v1/cartoon", person)
        assert answer.status_code == (503 if isinstance(error, MemoryError) else 500)
        assert "secret" not in answer.text
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
        assert served.post("/v1/cartoon", person).status_code == 200


def test_a_photo_for_which_the_memory_does_not_suffice_is_refused(tiny, person, monkeypatch):
    monkeypatch.setattr("engine.serve.service.find_budget", lambda: 1e6)
    with serving(tiny) as served:
        answer = served.post("/v1/cartoon", person)
    assert answer.status_code == 413
    assert "memory" in answer.json()["detail"]


def test_photos_in_work_share_the_memory():
    desk = Desk(workers=4, queue=8, budget=100, request_s=60)
    together, most, lock = 0, 0, threading.Lock()

    def work(check):
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        threading.Event().wait(0.02)
        with lock:
            together -= 1

    async def do_all():
        never = [asyncio.get_running_loop().create_future() for _ in range(8)]
        await asyncio.gather(*(desk.do(lambda: 40, work, left) for left in never))

    asyncio.run(do_all())
    desk.close()
    assert most == 2


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def found(tiny, person_photo):
    return tiny.find(person_photo)


def is_kept(kept, key):
    with contextlib.suppress(Problem):
        return bool(kept.get(key))
    return False


def test_a_kept_photo_goes_some_time_after_its_last_use(found):
    clock = Clock()
    kept = KeptPhotos(60, 1e9, 10, clock)
    first, second = kept.put(found), kept.put(found)
    clock.now = 50
    assert is_kept(kept, first)
    clock.now = 100
    assert is_kept(kept, first)
    assert not is_kept(kept, second)
    clock.now = 161
    kept.sweep()
    assert len(kept) == kept.bytes == 0


def test_kept_photos_are_bounded_in_number_and_bytes(found):
    kept = KeptPhotos(60, 1e9, 2)
    first, second = kept.put(found), kept.put(found)
    assert is_kept(kept, first)
    kept.put(found)
    assert is_kept(kept, first)
    assert not is_kept(kept, second)
    kept = KeptPhotos(60, 2.5 * size_of(found), 10)
    keys = [kept.put(found) for _ in range(4)]
    assert [is_kept(kept, key) for key in keys] == [False, False, True, True]
    assert kept.bytes == 2 * size_of(found)


def test_a_photo_that_is_too_large_to_be_kept_is_refused(found):
    with pytest.raises(Problem) as refused:
        KeptPhotos(60, 1000, 10).put(found)
    assert refused.value.status == 413


def test_ids_of_kept_photos_cannot_be_guessed(found):
    kept = KeptPhotos(60, 1e9, 300)
    keys = {kept.put(found) for _ in range(200)}
    assert len(keys) == 200
    assert min(map(len, keys)) >= 32


def test_nothing_is_kept_where_that_is_not_wanted(tiny):
    with serving(tiny, kept_minutes=0) as served:
        key = served.post("/v1/photos", encode(np.zeros((20, 20, 3), np.uint8))).json()["id"]
        assert served.post(f"/v1/photos/{key}/cartoon").status_code == 404
