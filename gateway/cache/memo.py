"""Remembering the answers of a pure function, up to a bound."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Memo"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memo(Generic[K, V]):
    """The results of `compute` by argument; when `capacity` are held, all are forgotten.

    Starting anew costs less than keeping an order on every hit, and the working set is small.
    """

    __slots__ = ("_capacity", "_compute", "_values")

    def __init__(self, compute: Callable[[K], V], capacity: int = 4096) -> None:
        self._compute = compute
        self._capacity = capacity
        self._values: dict[K, V] = {}

    def __call__(self, key: K) -> V:
        """Return the remembered result, or compute it."""
        try:
            return self._values[key]
        except KeyError:
            value = self._compute(key)
        if len(self._values) >= self._capacity:
            self._values.clear()
        self._values[key] = value
        return value

    def clear(self) -> None:
        """Forget every result."""
        self._values.clear()
