"""Properties that are computed once."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from engine.once import computed_once


@dataclass(frozen=True)
class Slow:
    """Counts how often its property is computed; `others` have to compute at the same time."""

    others: threading.Barrier | None = None
    computed: list = field(default_factory=list)

    @computed_once
    def value(self):
        """What is computed."""
        self.computed.append(1)
        if self.others:
            self.others.wait(60)
        else:
            threading.Event().wait(0.05)  # long enough for the other threads to arrive
        return object()


def test_several_threads_get_the_one_value():
    slow = Slow()
    with ThreadPoolExecutor(8) as pool:
        values = set(pool.map(lambda _: slow.value, range(32)))
    assert len(values) == 1
    assert len(slow.computed) == 1


def test_two_objects_do_not_wait_for_each_other():
    barrier = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda slow: slow.value, [Slow(barrier), Slow(barrier)])
    assert first is not second


def test_an_error_is_raised_and_the_value_is_computed_again():
    class Moody:
        tries = 0

        @computed_once
        def value(self):
            self.tries += 1
            if self.tries == 1:
                raise ValueError("not today")
            return self.tries

    moody = Moody()
    with pytest.raises(ValueError, match="not today"):
        _ = moody.value
    assert moody.value == moody.value == 2


def test_what_was_computed_can_be_pickled():
    slow = Slow()
    value = slow.value
    assert isinstance(pickle.loads(pickle.dumps(slow)).value, type(value))
    assert Slow.value.__doc__ == "What is computed."
