"""The two clocks that the gateway reads, behind one protocol so that tests can turn them."""

import time
from datetime import UTC, datetime
from typing import Protocol

__all__ = ["Clock", "SystemClock", "datetime_from_nanos"]


class Clock(Protocol):
    """Time of day for records, monotonic time for durations and windows; both in nanoseconds."""

    def now_nanos(self) -> int:
        """Nanoseconds since 1970-01-01 UTC; may jump."""
        ...

    def monotonic_nanos(self) -> int:
        """Nanoseconds since an arbitrary start; never goes back."""
        ...


class SystemClock:
    """The clocks of the operating system."""

    def __init__(self) -> None:
        # CPython finds what an object has itself at once, unless it is called in the same breath.
        self.now_nanos = time.time_ns
        self.monotonic_nanos = time.monotonic_ns


def datetime_from_nanos(nanos: int) -> datetime:
    """The aware UTC time of nanoseconds since 1970, to the microsecond."""
    seconds, rest = divmod(nanos, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
