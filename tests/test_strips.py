"""Strips cover all rows, in order, on as many threads as asked for."""

import os
import threading
from itertools import pairwise

import pytest

from engine.strips import WORTH_A_THREAD, in_strips


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
