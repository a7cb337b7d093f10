"""When the price file is read anew: because somebody said so, or because so many hours have passed."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

__all__ = ["INTERVAL", "MOST_HOURS", "STAMP", "PriceSchedule", "read_schedule", "stamp_of"]

INTERVAL, STAMP = "interval_hours", "reloaded_at"
"""The members of the row."""
MOST_HOURS = 8_760


class PriceSchedule(msgspec.Struct, frozen=True):
    """What the row says; without an interval nothing happens by itself. `stamp` is the row's own text."""

    interval_hours: int | None = None
    stamp: str | None = None

    @property
    def last_run(self) -> datetime | None:
        """When the file was read last, aware UTC."""
        try:
            moment = None if self.stamp is None else datetime.fromisoformat(self.stamp)
        except ValueError:
            return None
        return moment if moment is None or moment.tzinfo is not None else moment.replace(tzinfo=UTC)

    @property
    def next_run(self) -> datetime | None:
        """When the file is read next, aware UTC; None when nothing is planned, or it is due already."""
        if self.interval_hours is None or self.last_run is None:
            return None
        return self.last_run + timedelta(hours=self.interval_hours)

    def is_due(self, now: datetime) -> bool:
        """Whether the file has to be read now."""
        return self.interval_hours is not None and (self.next_run is None or self.next_run <= now)


def read_schedule(row: Mapping[str, object]) -> PriceSchedule:
    """Read the row; what cannot be says nothing."""
    hours, stamp = row.get(INTERVAL), row.get(STAMP)
    is_interval = isinstance(hours, int) and not isinstance(hours, bool) and 1 <= hours <= MOST_HOURS
    return PriceSchedule(
        hours if isinstance(hours, int) and is_interval else None, stamp if isinstance(stamp, str) else None
    )


def stamp_of(now: datetime) -> str:
    """How a moment is written into the row."""
    return now.isoformat(timespec="microseconds")
