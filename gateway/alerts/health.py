"""What is told of the gateway itself: hanging requests, a database that is away, spend that is not booked."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from gateway.alerts.events import Alert, build_notice
from gateway.alerts.kinds import AlertType

__all__ = ["HealthAlerts", "HealthSigns"]

_LOOK_SECONDS = 15.0
_QUIET_SECONDS = 600.0
_MOST_NAMED = 5


class HealthSigns(msgspec.Struct, frozen=True):
    """How this worker is, asked when somebody wants to know.

    `hanging` lists the ids of calls that are under way for more than so many seconds, the oldest first.
    `unbooked` counts the records that the database has refused; `is_recording` is whether the journal is
    written.
    """

    hanging: Callable[[float], list[str]]
    is_database_reachable: Callable[[], Awaitable[bool]]
    is_recording: Callable[[], bool]
    unbooked: Callable[[], int]


class HealthAlerts:
    """Looks every 15 seconds; tells each kind of trouble once in ten minutes, for this worker."""

    def __init__(self, tell: Callable[[Alert], None], signs: HealthSigns, hanging_seconds: float) -> None:
        self._send = tell
        self._signs = signs
        self._hanging_seconds = hanging_seconds
        self._unbooked = 0
        self._was_reachable = True

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Tell what is wrong."""
        self._look_at_requests()
        self._look_at_books()
        is_reachable = await self._signs.is_database_reachable()
        # Once may be a restart of the server; twice is told.
        if not is_reachable and not self._was_reachable:
            self._tell(
                AlertType.DATABASE,
                "The database does not answer. Known keys keep working; what is spent waits in the journal.",
            )
        self._was_reachable = is_reachable

    def _look_at_requests(self) -> None:
        hanging = self._signs.hanging(self._hanging_seconds)
        if hanging:
            named = ", ".join(hanging[:_MOST_NAMED])
            text = f"{len(hanging)} requests are under way for more than {self._hanging_seconds:g} s: {named}"
            self._tell(AlertType.LLM_HANGING, text + (", ..." if len(hanging) > _MOST_NAMED else ""))

    def _look_at_books(self) -> None:
        if not self._signs.is_recording():
            self._tell(
                AlertType.TRACKING, "The journal cannot be written: requests are refused until it can."
            )
        unbooked = self._signs.unbooked()
        if unbooked > self._unbooked:
            count = unbooked - self._unbooked
            self._tell(
                AlertType.TRACKING,
                f"The database refused {count} records of what was spent; they are in the file "
                "of rejected records beside the journal.",
            )
        self._unbooked = unbooked

    def _tell(self, kind: AlertType, message: str) -> None:
        notice = build_notice(kind, kind, message, quiet_seconds=_QUIET_SECONDS, is_own=True)
        self._send(notice)
