"""Daily activity of users, teams, organizations, customers, tags and agents."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from gateway.db.connection import Connection, Record
from gateway.spend.reporting.daily_store import TABLES, Choice, DailyStore, GroupBounds
from gateway.spend.reporting.metrics import Activity, Tally
from gateway.spend.reporting.names_store import load_entity_names, load_key_names
from gateway.spend.reporting.reader_store import ReportReader

__all__ = ["MOST_EXPORTED", "DailyReports", "Page"]

MOST_EXPORTED = 20_000
"""The rows of one export; the header says when there are more."""
_BOUNDS = GroupBounds(key_rows=500, entities=50, groups=3_000)
_BATCH = 500

_Content = dict[str, object]


class Page(msgspec.Struct, frozen=True):
    """Which page, from 1, of how many rows."""

    number: int = 1
    size: int = 10

    @property
    def offset(self) -> int:
        """The rows before it."""
        return (self.number - 1) * self.size


class DailyReports:
    """Reads the daily table of one kind. Raises DatabaseUnavailable, and ServiceUnavailable for too much."""

    def __init__(self, reader: ReportReader, kind: str) -> None:
        self._reader = reader
        self._kind = kind
        self._table = TABLES[kind]

    async def page(self, choice: Choice, page: Page) -> _Content:
        """One page of daily rows, joined to days; its totals are those of the page."""
        async with self._reader.reading() as connection:
            store = DailyStore(self._table, connection)
            count = await store.count(choice)
            rows = await store.list_page(choice, page.size, page.offset)
            activity = Activity()
            await _collect(rows, activity.add_row)
            pages = -(-count // page.size)
            paging = {"page": page.number, "total_pages": pages, "has_more": page.number < pages}
            return await self._build(connection, activity, paging)

    async def aggregated(self, choice: Choice) -> _Content:
        """All days as one page. Totals are whole; keys and entities are those that spent most."""
        async with self._reader.reading() as connection:
            store, activity = DailyStore(self._table, connection), Activity()
            totals = await store.list_totals(choice, _BOUNDS)
            keys = [row["api_key"] for row in totals if row["parts"] == "top_key"]
            entities = [row["entity"] for row in totals if row["parts"] == "top_entity"]
            await _collect((row for row in totals if row["date"] is not None), activity.add_group)
            if keys:
                details = await store.list_details(choice, keys, entities, _BOUNDS)
                await _collect(details, activity.add_group)
            return await self._build(connection, activity, {"page": 1, "total_pages": 1, "has_more": False})

    async def keys(self, choice: Choice, page: Page) -> _Content:
        """The keys of the choice, the dearest first."""
        async with self._reader.reading() as connection:
            rows = await DailyStore(self._table, connection).list_keys(choice, page.size, page.offset)
            total = rows[0]["keys"] if rows else 0
            paging = {"total_api_keys": total, "offset": page.offset, "limit": page.size}
            return {"api_keys": await _keys_of(connection, rows), **paging}

    async def facets(self, choice: Choice, text: str, page: Page) -> _Content:
        """The ids of entities that contain a text, sorted, with how many there are and where to go on."""
        async with self._reader.reading() as connection:
            rows = await DailyStore(self._table, connection).list_entities(
                choice, text, page.size, page.offset
            )
        total = rows[0]["entities"] if rows else 0
        pages = -(-total // page.size)
        meta = {"total": total, "page": page.number, "page_size": page.size, "total_pages": pages}
        links = {
            "prev": page.number - 1 if 1 < page.number <= pages else None,
            "next": page.number + 1 if page.number < pages else None,
        }
        return {"data": [{"id": row["entity"]} for row in rows], "meta": meta, "links": links}

    async def uncached_keys(self, choice: Choice, limit: int) -> _Content:
        """The keys of the choice whose prompts never came from a provider's cache."""
        async with self._reader.reading() as connection:
            rows = await DailyStore(self._table, connection).list_uncached_keys(choice, limit)
            return {"api_keys": await _keys_of(connection, rows)}

    async def export(self, choice: Choice) -> list[_Content]:
        """A row per day, entity, key, model and provider; at most one more than `MOST_EXPORTED`."""
        async with self._reader.reading() as connection:
            rows = await DailyStore(self._table, connection).list_export(choice, MOST_EXPORTED + 1)
            names = await load_key_names(connection, sorted({row["api_key"] for row in rows}))
        return [_exported(row, self._table.entity, names) for row in rows]

    async def _build(
        self, connection: Connection, activity: Activity, paging: Mapping[str, object]
    ) -> _Content:
        keys = await load_key_names(connection, activity.keys)
        shown = {
            key: {"key_alias": names["key_alias"], "team_id": names["team_id"]} for key, names in keys.items()
        }
        entities = await load_entity_names(connection, self._kind, activity.entities)
        totals = activity.total.build("total_")
        totals["total_tokens"] = totals.pop("total_total_tokens")
        results = await _in_turns(activity.build(shown, entities))
        return {"results": results, "metadata": {**totals, **paging}}


async def _collect(rows: Iterable[Record], add: Callable[[Record], None]) -> None:
    """Requests need not wait for a whole report."""
    for number, row in enumerate(rows, 1):
        add(row)
        if number % _BATCH == 0:
            await asyncio.sleep(0)


async def _in_turns(days: Iterator[_Content]) -> list[_Content]:
    """All days; requests need not wait for more than one of them."""
    results: list[_Content] = []
    for day in days:
        results.append(day)
        await asyncio.sleep(0)
    return results


async def _keys_of(connection: Connection, rows: Iterable[Record]) -> list[_Content]:
    found = [(row["api_key"], _tally_of(row)) for row in rows]
    names = await load_key_names(connection, [key for key, _ in found])
    return [
        {"api_key": key, "metrics": tally.build(), "metadata": names.get(key, {})} for key, tally in found
    ]


def _tally_of(row: Record) -> Tally:
    tally = Tally()
    tally.add_record(row)
    return tally


def _exported(row: Record, entity: str, names: Mapping[str, Mapping[str, object]]) -> _Content:
    key = row["api_key"]
    return {
        "date": row["date"],
        entity: row["entity"],
        "api_key": key,
        "key_alias": names.get(key, {}).get("key_alias"),
        "model": row["model"],
        "provider": row["custom_llm_provider"],
        **_tally_of(row).build(),
    }
