"""Holding back who guesses passwords: failures are counted by name and by address."""

from collections import OrderedDict

from gateway.clock import Clock
from gateway.errors import RateLimited

__all__ = ["Throttle"]

_NANOS = 1_000_000_000
_WINDOW_SECONDS = 300
_CAPACITY = 50_000


class Throttle:
    """Counts failures per worker, in windows of five minutes.

    A name is refused after 10 failures from one address and 100 from all of them, an address after 50 for
    all names. Who is refused is not let in with the right password either, so that nobody learns it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: OrderedDict[tuple[str, ...], tuple[int, int]] = OrderedDict()

    def check(self, name: str, address: str) -> None:
        """Raise RateLimited, with an exact `retry-after`, while there were too many failures."""
        now = self._clock.monotonic_nanos()
        for key, most in _keys(name, address):
            count, ends = self._failures.get(key, (0, 0))
            if count >= most and ends > now:
                seconds = -(-(ends - now) // _NANOS)
                raise RateLimited(
                    f"Too many failed logins. Try again in {seconds} seconds.",
                    headers={"retry-after": str(seconds)},
                )

    def note_failure(self, name: str, address: str) -> None:
        """Count one."""
        now = self._clock.monotonic_nanos()
        for key, _ in _keys(name, address):
            count, ends = self._failures.pop(key, (0, 0))
            if ends <= now:
                count, ends = 0, now + _WINDOW_SECONDS * _NANOS
            self._failures[key] = count + 1, ends
        while len(self._failures) > _CAPACITY:
            self._failures.popitem(last=False)

    def note_success(self, name: str, address: str) -> None:
        """Forget the failures of a name from an address."""
        self._failures.pop(_keys(name, address)[0][0], None)


def _keys(name: str, address: str) -> tuple[tuple[tuple[str, ...], int], ...]:
    name = name.strip().lower()[:256]
    return (("both", name, address), 10), (("name", name), 100), (("address", address), 50)
