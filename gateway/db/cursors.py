"""A place in a list that is sorted by a time: what a page behind it is asked for by."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Self

import msgspec

__all__ = ["Cursor"]

_encode = msgspec.json.Encoder().encode


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """The last row of a page: its time in UTC (None where the column has none), and its key among equals."""

    moment: datetime | None
    key: str

    @classmethod
    def read(cls, text: str) -> Self:
        """Return what `text` said; raises ValueError for a text that no cursor has."""
        try:
            cursor = msgspec.json.decode(base64.b64decode(text, altchars=b"-_", validate=True), type=cls)
        except (ValueError, msgspec.DecodeError) as error:
            raise ValueError(text) from error
        if "\0" in cursor.key or not _is_in_utc(cursor.moment):
            raise ValueError(text)
        return cursor

    @property
    def text(self) -> str:
        """The cursor as a text that fits into an address."""
        return base64.urlsafe_b64encode(_encode(self)).decode()

    @property
    def column_value(self) -> datetime | None:
        """The time as a TIMESTAMP without time zone holds it."""
        return None if self.moment is None else self.moment.astimezone(UTC).replace(tzinfo=None)


def _is_in_utc(moment: datetime | None) -> bool:
    """Whether no column, or one in UTC, can have the time: the first and the last hours reach beyond it."""
    return moment is None or moment.utcoffset() == timedelta(0)
