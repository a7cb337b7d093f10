"""Which entries of the audit trail somebody asks for."""

from datetime import UTC, datetime, time
from typing import Annotated, Literal

import msgspec

from gateway.db.cursors import Cursor
from gateway.errors import BadRequest

__all__ = ["SORT_COLUMNS", "AuditQuery", "Period"]

SORT_COLUMNS = ("updated_at", "changed_by", "changed_by_api_key", "action", "table_name", "object_id", "id")
"""By which columns the trail can be sorted."""
_DAY_LENGTH = len("2026-01-31")


class Period(msgspec.Struct, frozen=True):
    """From a time up to another one, both naive UTC as the column has them; None is open."""

    start: datetime | None = None
    end: datetime | None = None


class AuditQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A page of entries; a filter that is left out lets everything pass.

    `object_team_id` finds what is about a team or belongs to it, `object_key_hash` what is about a key;
    `search` is a part of an actor, an action, a table or an object. Dates are `YYYY-MM-DD` or ISO times, in
    UTC unless they say otherwise; a bare end date means the whole of that day. `cursor` is what the answer
    before said as `next_cursor`, in the place of `page`.
    """

    page: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1
    page_size: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10
    changed_by: str | None = None
    changed_by_api_key: str | None = None
    action: str | None = None
    table_name: str | None = None
    object_id: str | None = None
    start_date: str | None = None
    end_date: str | None = None
    object_team_id: str | None = None
    object_key_hash: str | None = None
    search: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    sort_by: str | None = None
    sort_order: Literal["asc", "desc"] = "desc"
    cursor: Annotated[str, msgspec.Meta(max_length=512)] = ""

    def period(self) -> Period:
        """When the entries were written; raises BadRequest for a date that is none."""
        return Period(
            _moment("start_date", self.start_date, time.min), _moment("end_date", self.end_date, time.max)
        )

    def sort_column(self) -> str:
        """The column to sort by; raises BadRequest for one that is not in `SORT_COLUMNS`."""
        column = self.sort_by or SORT_COLUMNS[0]
        if column not in SORT_COLUMNS:
            message = f"sort_by: '{column[:40]}' is not one of {', '.join(SORT_COLUMNS)}."
            raise BadRequest(message, param="sort_by", type="bad_request_error")
        return column

    def after(self) -> Cursor | None:
        """The entry behind which the page begins; raises BadRequest for a cursor that is none."""
        if not self.cursor:
            return None
        try:
            cursor = Cursor.read(self.cursor)
        except ValueError:
            cursor = None
        if cursor is None or cursor.moment is None:
            message = "cursor: must be the 'next_cursor' of an earlier answer."
        elif self.sort_column() != SORT_COLUMNS[0]:
            message = f"cursor: goes with sort_by={SORT_COLUMNS[0]}."
        else:
            return cursor
        raise BadRequest(message, param="cursor", type="bad_request_error")


def _moment(name: str, text: str | None, of_the_day: time) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if len(text) <= _DAY_LENGTH:
            moment = datetime.combine(moment.date(), of_the_day)
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        message = f"{name}: must be a date such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z."
        raise BadRequest(message, param=name, type="bad_request_error") from None
