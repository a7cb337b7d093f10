"""Which tags whom a list shows, page by page."""

from datetime import date

from gateway.db.rows import Columns
from gateway.domain import Principal, Role
from gateway.identity.faults import Faults
from gateway.identity.pages import Listed, Page, cut
from gateway.identity.records import Records
from gateway.identity.tags.response import seen_tag, shown_tags
from gateway.identity.tags.store import Days

__all__ = ["TagListing"]

_SEE_ALL = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})


class TagListing:
    """Lists tags by name: those that were made, and those that requests have carried.

    Administrators see all of them; others the tags of their own keys' requests, and nothing of what others
    spend on them. Raises DatabaseUnavailable, and BadRequest for days that are none.
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    async def list_all(
        self, caller: Principal, page: Page, start_date: str | None, end_date: str | None
    ) -> Listed:
        """A page of tags; the days, given both or not at all, bound those that nobody has made."""
        days = _days_of(start_date, end_date)
        if caller.role not in _SEE_ALL:
            return await self._of_user(caller, page, days)
        found = cut(await self._records.tags.list_names(page.after, page.most + 1, days), page, "tag")
        names = [row["tag"] for row in found.rows if row["is_made"]]
        made = await shown_tags(self._records, await self._records.tags.find_any(names))
        by_name = {tag["name"]: tag for tag in made}
        # One that was deleted between the two statements is left out.
        shown = [by_name.get(row["tag"]) if row["is_made"] else seen_tag(row) for row in found.rows]
        return Listed(rows=[tag for tag in shown if tag is not None], next=found.next)

    async def _of_user(self, caller: Principal, page: Page, days: Days | None) -> Listed:
        if caller.user_id is None:
            return Listed(rows=[])
        rows = await self._records.tags.list_of_user(caller.user_id, page.after, page.most + 1, days)
        found = cut(rows, page, "tag")
        names = [row["tag"] for row in found.rows if row["is_made"]]
        made = {row["tag_name"]: row for row in await self._records.tags.find_any(names)}
        return Listed(rows=[_plain(row, made.get(row["tag"])) for row in found.rows], next=found.next)


def _plain(row: Columns, made: Columns | None) -> Columns:
    """A tag without what others have spent on it."""
    said = {} if made is None else {name: made[name] for name in ("description", "models", "model_info")}
    return {**seen_tag(row), **said}


def _days_of(start_date: str | None, end_date: str | None) -> Days | None:
    faults = Faults()
    if (start_date is None) != (end_date is None):
        faults.add("start_date", "start_date and end_date go together.")
    for name, text in (("start_date", start_date), ("end_date", end_date)):
        if text is not None and not _is_day(text):
            faults.add(name, "must be a day, such as 2026-01-31.")
    faults.refuse()
    return None if start_date is None or end_date is None else Days(start_date, end_date)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
