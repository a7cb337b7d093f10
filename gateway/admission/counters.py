"""The live counters: money settled and held, requests and tokens in windows, slots in use."""

from gateway.domain import LimitKind, Scope

__all__ = ["Counter", "Money", "Slots", "SlotsKey", "Window", "WindowKey"]

_NANOS = 1_000_000_000

WindowKey = tuple[Scope, LimitKind, str, int]
"""Scope, what is counted, model (empty for all), seconds of the window."""
SlotsKey = tuple[Scope, str]
"""Scope, model (empty for all)."""


class Money:
    """Nano-dollars of one scope or meter: `settled` since its last reset, `held` by requests under way."""

    __slots__ = ("__weakref__", "held", "key", "settled")

    def __init__(self, key: Scope) -> None:
        self.key = key
        self.settled = 0
        self.held = 0


class Window:
    """A count within a fixed window that its first request opens.

    `began` and `ends_at` are monotonic nanoseconds.
    """

    __slots__ = ("__weakref__", "began", "count", "ends_at", "key")

    def __init__(self, key: WindowKey) -> None:
        self.key = key
        self.count = 0
        self.began = 0
        self.ends_at = 0

    def roll(self, now: int) -> None:
        """Begin a new window at `now`."""
        self.count = 0
        self.began = now
        self.ends_at = now + self.key[3] * _NANOS


class Slots:
    """How many requests of a scope are under way."""

    __slots__ = ("__weakref__", "key", "used")

    def __init__(self, key: SlotsKey) -> None:
        self.key = key
        self.used = 0


Counter = Money | Window | Slots
