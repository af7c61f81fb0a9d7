"""Strips cover all rows, in order, on as many threads as asked for."""

import os
import queue
import threading
from itertools import pairwise

import pytest

from engine.cartoon.refined.draw import draw
from engine.options import CartoonOptions
from engine.strips import WORTH_A_THREAD, in_strips, start
from tests.cartoon.refined.sitter import portrait


@pytest.mark.parametrize("height", [1, 2, 5, 1000])
@pytest.mark.parametrize("threads", [1, 2, 3, 16])
def test_strips_cover_the_rows_in_order(height, threads):
    strips = in_strips(lambda top, bottom: (top, bottom), height, 10 * WORTH_A_THREAD, threads)
    assert len(strips) == min(height, threads)
    assert strips[0][0] == 0
    assert strips[-1][1] == height
    for before, after in pairwise(strips):
        assert before[0] < before[1] == after[0]


def test_they_run_at_the_same_time():
    both = threading.Barrier(2, timeout=20)
    arrivals = in_strips(lambda top, bottom: both.wait(), 2, 10 * WORTH_A_THREAD, 2)
    assert sorted(arrivals) == [0, 1]


def test_a_small_picture_stays_on_its_thread():
    names = in_strips(lambda top, bottom: threading.current_thread().name, 100, 100, 8)
    assert names == [threading.current_thread().name]


def test_an_error_of_any_strip_is_raised():
    def fail(top, bottom):
        if top == 0:
            raise MemoryError("no room")

    with pytest.raises(MemoryError, match="no room"):
        in_strips(fail, 4, 10 * WORTH_A_THREAD, 4)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of fork in a process with threads
def test_a_forked_process_has_threads_of_its_own():
    def count():
        return len(in_strips(lambda top, bottom: bottom, 4, 10 * WORTH_A_THREAD, 4))

    assert count() == 4
    child = os.fork()
    if child == 0:
        os._exit(0 if count() == 4 else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("threads", [1, 2])
def test_what_was_started_gives_its_result(threads):
    assert start(lambda: 42, threads)() == 42


def test_a_started_call_runs_beside_the_caller_s_own_work():
    both = threading.Barrier(2, timeout=20)
    wait = start(lambda: both.wait() >= 0, 2)
    both.wait()
    assert wait()


def test_with_one_thread_a_call_is_made_when_it_is_asked_for():
    made = []
    wait = start(lambda: made.append(threading.current_thread()), 1)
    assert not made
    wait()
    assert made == [threading.current_thread()]


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_of_a_started_call_is_raised_where_it_is_waited_for(threads):
    def fail():
        raise MemoryError("no room")

    wait = start(fail, threads)
    with pytest.raises(MemoryError, match="no room"):
        wait()


def test_several_threads_that_draw_at_once_never_wait_for_each_other():
    photo, alpha = portrait(500)
    expected = draw(photo, alpha, CartoonOptions(), threads=1).cartoon
    drawings = queue.Queue()

    def draw_twice():
        for _ in range(2):
            drawings.put(draw(photo, alpha, CartoonOptions(), threads=4).cartoon)

    for _ in range(8):
        threading.Thread(target=draw_twice, daemon=True).start()
    for _ in range(16):
        assert (drawings.get(timeout=60) == expected).all()
