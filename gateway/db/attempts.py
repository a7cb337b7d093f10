"""Whether an operation whose transaction lost against another one may simply be done again."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["Attempt", "Attempts"]


class Attempt:
    """What became of the statements of one operation."""

    __slots__ = ("has_changed", "has_lost")

    def __init__(self) -> None:
        self.has_lost = False
        self.has_changed = False

    @property
    def may_repeat(self) -> bool:
        """Whether it lost against another transaction and has changed nothing so far."""
        return self.has_lost and not self.has_changed


class Attempts:
    """The attempt that the current task makes, if somebody watches it."""

    def __init__(self) -> None:
        self._current: ContextVar[Attempt | None] = ContextVar("gatewright_attempt", default=None)

    @contextmanager
    def watch(self) -> Generator[Attempt]:
        """Watch what the block does, in this task and those that it starts."""
        attempt = Attempt()
        token = self._current.set(attempt)
        try:
            yield attempt
        finally:
            self._current.reset(token)

    def note_change(self) -> None:
        """Something is committed."""
        attempt = self._current.get()
        if attempt is not None:
            attempt.has_changed = True

    def note_conflict(self) -> None:
        """A transaction was rolled back because of another one."""
        attempt = self._current.get()
        if attempt is not None:
            attempt.has_lost = True
