"""Who was refused a moment ago: a client that tries all the time asks the database once."""

from collections import OrderedDict

from gateway.clock import Clock
from gateway.errors import GatewayError

__all__ = ["Refusals"]

_SECONDS = 5
_NANOS = 1_000_000_000
_CAPACITY = 10_000


class Refusals:
    """Refusals by the digest of what a token says, for five seconds each, a bounded number."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: OrderedDict[str, tuple[int, GatewayError]] = OrderedDict()

    def check(self, digest: str) -> None:
        """Raise what was raised a moment ago, if anything was."""
        known = self._known.get(digest)
        if known is None:
            return
        until, error = known
        if until <= self._clock.monotonic_nanos():
            del self._known[digest]
            return
        # A new one: the frames of each request would stay with the old one.
        raise type(error)(error.message, param=error.param, type=error.type)

    def note(self, digest: str, error: GatewayError) -> None:
        """Remember a refusal."""
        until = self._clock.monotonic_nanos() + _SECONDS * _NANOS
        kept = type(error)(error.message, param=error.param, type=error.type)
        self._known[digest] = until, kept
        if len(self._known) > _CAPACITY:
            self._known.popitem(last=False)

    def clear(self) -> None:
        """Forget all: something changed."""
        self._known.clear()
