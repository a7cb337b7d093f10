"""The reports of `spend/report`: what teams and customers spent per day, and keys on which models."""

from collections.abc import Sequence

from gateway.db.connection import Record
from gateway.money import usd_from_nanos
from gateway.spend.reporting.dates import Period
from gateway.spend.reporting.grouped_store import GroupedStore, KeyFilter
from gateway.spend.reporting.reader_store import ReportReader

__all__ = ["MOST_DETAILS", "GroupedReports"]

MOST_DETAILS = 5_000
"""How many totals, and how many details, a report has at most."""
_MOST_KEYS = 1_000
_Content = dict[str, object]
_LISTS = {"team": ("teams", "team_name"), "customer": ("customers", "customer")}


class GroupedReports:
    """Amounts are USD. Raises what `ReportReader` does."""

    def __init__(self, reader: ReportReader) -> None:
        self._store = GroupedStore(reader)

    async def by_day(self, kind: str, period: Period) -> tuple[list[_Content], bool]:
        """What each team or customer spent on each day, with details per model and key.

        True says that the oldest totals or details did not fit.
        """
        rows = await self._store.list_days(kind, period, MOST_DETAILS + 1)
        list_name, title = _LISTS[kind]
        days: dict[str, dict[str, _Content]] = {}
        details: dict[tuple[str, str], list[_Content]] = {}
        for row in rows:
            key = row["date"], row["entity"]
            if row["model"] is None:
                details[key] = []
                days.setdefault(row["date"], {})[row["entity"]] = {
                    title: row["name"],
                    "total_spend": usd_from_nanos(row["nanos"]),
                    "metadata": details[key],
                }
            elif key in details:
                details[key].append(_detail(row))
        shown: list[_Content] = [
            {"group_by_day": day, list_name: list(entities.values())} for day, entities in days.items()
        ]
        totals = sum(1 for row in rows if row["model"] is None)
        return shown, max(totals, len(rows) - totals) > MOST_DETAILS

    async def by_key(self, chosen: KeyFilter, period: Period) -> list[_Content]:
        """What the keys spent, each with its models; of the thousand keys that spent most."""
        keys: dict[str, list[Record]] = {}
        for row in await self._store.list_keys(chosen, period, _MOST_KEYS):
            keys.setdefault(row["api_key"], []).append(row)
        return [
            {
                "api_key": key,
                **_costs(rows),
                "model_details": [{"model": row["model"], **_costs([row])} for row in rows],
            }
            for key, rows in keys.items()
        ]

    async def by_team_user(self, period: Period, teams: Sequence[str]) -> _Content:
        """What the users of teams spent in them."""
        rows = await self._store.list_team_users(period, teams, _MOST_KEYS)
        results: list[_Content] = [
            {
                "team_id": row["team_id"],
                "user_id": row["user_id"],
                "spend": usd_from_nanos(row["nanos"]),
                "prompt_tokens": row["prompt_tokens"],
                "completion_tokens": row["completion_tokens"],
                "total_tokens": row["prompt_tokens"] + row["completion_tokens"],
                "api_requests": row["api_requests"],
            }
            for row in rows
        ]
        start, end = period.bounds
        return {"start_date": start, "end_date": end, "results": results}


def _detail(row: Record) -> _Content:
    return {
        "model": row["model"],
        "spend": usd_from_nanos(row["nanos"]),
        "api_key": row["api_key"],
        "total_tokens": row["total_tokens"],
    }


def _costs(rows: Sequence[Record]) -> _Content:
    return {
        "total_cost": usd_from_nanos(sum(row["nanos"] for row in rows)),
        "total_input_tokens": sum(row["prompt_tokens"] for row in rows),
        "total_output_tokens": sum(row["completion_tokens"] for row in rows),
    }
