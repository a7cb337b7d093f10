"""The live counters of one scope: money settled and held, requests and tokens in windows, slots in use."""

from gateway.clock import Clock
from gateway.domain import LimitKind, Scope

__all__ = ["Counters", "Money", "Slots", "Window"]

_NANOS = 1_000_000_000


class Money:
    """Nano-dollars of one scope: `settled` since its last reset, `held` by requests under way."""

    __slots__ = ("held", "settled")

    def __init__(self) -> None:
        self.settled = 0
        self.held = 0


class Window:
    """A count within a fixed window that its first request opens; `ends_at` is monotonic nanoseconds."""

    __slots__ = ("count", "ends_at", "opened")

    def __init__(self) -> None:
        self.count = 0
        self.ends_at = 0
        self.opened = 0

    def roll(self, now: int, window_seconds: int) -> None:
        """Begin a new window if the current one is over."""
        if now >= self.ends_at:
            self.count = 0
            self.ends_at = now + window_seconds * _NANOS
            self.opened += 1


class Slots:
    """How many requests of a scope are under way."""

    __slots__ = ("used",)

    def __init__(self) -> None:
        self.used = 0


class Counters:
    """All counters of one process, made when they are first asked for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._money: dict[Scope, Money] = {}
        self._windows: dict[tuple[Scope, LimitKind, int], Window] = {}
        self._slots: dict[Scope, Slots] = {}

    def money(self, scope: Scope) -> Money:
        """Return the money counter of a scope."""
        found = self._money.get(scope)
        if found is None:
            found = self._money[scope] = Money()
        return found

    def window(self, scope: Scope, kind: LimitKind, window_seconds: int) -> Window:
        """Return the current window of a scope's rate, begun anew if the last one is over."""
        key = (scope, kind, window_seconds)
        found = self._windows.get(key)
        if found is None:
            found = self._windows[key] = Window()
        found.roll(self._clock.monotonic_nanos(), window_seconds)
        return found

    def slots(self, scope: Scope) -> Slots:
        """Return the slot counter of a scope."""
        found = self._slots.get(scope)
        if found is None:
            found = self._slots[scope] = Slots()
        return found
