"""The live counters: money settled and held, requests and tokens in windows, slots in use."""

__all__ = ["Money", "Slots", "Window"]

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
        """Begin a new window at `now`."""
        self.count = 0
        self.ends_at = now + window_seconds * _NANOS
        self.opened += 1


class Slots:
    """How many requests of a scope are under way."""

    __slots__ = ("used",)

    def __init__(self) -> None:
        self.used = 0
