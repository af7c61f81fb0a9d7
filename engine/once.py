"""A property that is computed once, also when several threads ask for it at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class computed_once(Generic[T]):
    """As functools.cached_property, which from Python 3.12 on has no lock, and until then has one
    for all objects of a class. Works on frozen dataclasses."""

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute, self._name = compute, compute.__name__
        self.__doc__ = compute.__doc__

    @overload
    def __get__(self, owner: None, kind: type) -> computed_once[T]: ...
    @overload
    def __get__(self, owner: object, kind: type) -> T: ...
    def __get__(self, owner: object | None, kind: type) -> computed_once[T] | T:
        if owner is None:
            return self
        known, lock_name = owner.__dict__, f"{self._name} is computed"
        with known.setdefault(lock_name, threading.Lock()):
            if self._name not in known:
                known[self._name] = self._compute(owner)
        known.pop(lock_name, None)  # whoever comes now finds the value; locks cannot be pickled
        value: T = known[self._name]
        return value
