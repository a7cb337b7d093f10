"""The totals of `/global/spend/*` and `/global/activity*`, in the contract's shapes."""

from collections.abc import Sequence
from datetime import date

from gateway.db.connection import Record
from gateway.money import usd_from_nanos
from gateway.spend.reporting.dates import Period
from gateway.spend.reporting.reader_store import ReportReader
from gateway.spend.reporting.totals_store import TotalsStore

__all__ = ["Totals"]

_MOST_NAMES = 1_000
_MOST_TEAMS = 200
_MOST_ENTITIES = 10_000
_Content = dict[str, object]


class Totals:
    """Amounts are USD. Raises what `ReportReader` does."""

    def __init__(self, reader: ReportReader) -> None:
        self._store = TotalsStore(reader)

    async def spend(self, period: Period) -> float:
        """What was spent in all."""
        return usd_from_nanos(
            sum(row["nanos"] for row in await self._store.total_of_days(period, None, None))
        )

    async def spend_by_day(self, period: Period, api_key: str | None) -> list[_Content]:
        """The days on which something was spent, the oldest first."""
        rows = await self._store.total_of_days(period, api_key, None)
        return [{"date": row["date"], "spend": usd_from_nanos(row["nanos"])} for row in rows]

    async def keys(self, period: Period, limit: int) -> list[_Content]:
        """The keys that spent most."""
        return [
            {
                "api_key": row["api_key"],
                "key_alias": row["key_alias"],
                "key_name": row["key_name"],
                "total_spend": usd_from_nanos(row["nanos"]),
            }
            for row in await self._store.top_keys(period, limit)
        ]

    async def models(self, period: Period, limit: int) -> list[_Content]:
        """The models on which most was spent."""
        return _named(await self._store.top_of("user", "model", period, limit), "model", "total_spend")

    async def providers(self, period: Period) -> list[_Content]:
        """What was spent at each provider."""
        rows = await self._store.top_of("user", "custom_llm_provider", period, _MOST_NAMES)
        return _named(rows, "provider", "spend")

    async def end_users(self, period: Period, api_key: str | None) -> list[_Content]:
        """The hundred customers that spent most, through one key or any."""
        rows = await self._store.top_of("customer", "end_user_id", period, 100, api_key=api_key)
        return _named(rows, "end_user", "total_spend", "total_count")

    async def tags(self, period: Period, tags: Sequence[str] | None) -> _Content:
        """What requests with tags did cost; one with two tags counts for both."""
        rows = await self._store.total_of_tags(period, tags, _MOST_NAMES)
        return {"spend_per_tag": _named(rows, "name", "spend", "log_count")}

    async def tag_list(self, period: Period, user_id: str | None) -> list[_Content]:
        """Tags with the number of their requests, of the whole gateway or of one user's keys."""
        rows = await self._store.tags_of_keys(period, user_id, _MOST_NAMES)
        return _named(rows, "individual_request_tag", "total_spend", "log_count")

    async def tag_names(self) -> list[str]:
        """The tags that requests carried, sorted."""
        return await self._store.list_entities("tag", _MOST_ENTITIES)

    async def end_user_names(self) -> list[str]:
        """The customers of requests, sorted."""
        return await self._store.list_entities("customer", _MOST_ENTITIES)

    async def teams(self, period: Period) -> _Content:
        """What the teams spent that spent most: per day and in all."""
        days: dict[str, _Content] = {}
        names: dict[str, str] = {}
        totals: dict[str, int] = {}
        for row in await self._store.total_of_teams(period, _MOST_TEAMS):
            team = row["team_id"]
            # Two teams with one alias are told apart by their ids.
            taken = names.setdefault(team, row["name"] if row["name"] not in names.values() else team)
            days.setdefault(row["date"], {"date": row["date"]})[taken] = usd_from_nanos(row["nanos"])
            totals[team] = totals.get(team, 0) + row["nanos"]
        ordered = sorted(totals, key=lambda team: (-totals[team], team))
        return {
            "daily_spend": list(days.values()),
            "teams": [names[team] for team in ordered],
            "total_spend_per_team": [
                {"team_id": names[team], "total_spend": usd_from_nanos(totals[team])} for team in ordered
            ],
        }

    async def activity(self, period: Period, user_id: str | None) -> _Content:
        """Requests and tokens per day, of one user or of all."""
        return _activity(await self._store.total_of_days(period, None, user_id))

    async def activity_by_model(self, period: Period, user_id: str | None) -> list[_Content]:
        """The same per model that requests asked for, the most used first."""
        rows = await self._store.total_of_models(period, user_id, _MOST_TEAMS)
        models: dict[str, list[Record]] = {}
        for row in rows:
            models.setdefault(row["model"], []).append(row)
        return [{"model": model, **_activity(days)} for model, days in models.items()]

    async def gateway_activity(self, period: Period) -> _Content:
        """Requests that went well and that failed, per day and per route."""
        by_date: dict[str, list[int]] = {}
        by_route: dict[str, list[int]] = {}
        for row in await self._store.total_of_routes(period):
            for counts in (
                by_date.setdefault(row["date"], [0, 0]),
                by_route.setdefault(row["route"], [0, 0]),
            ):
                counts[0] += row["successful"]
                counts[1] += row["failed"]
        return {
            "total_successful_requests": sum(counts[0] for counts in by_date.values()),
            "total_failed_requests": sum(counts[1] for counts in by_date.values()),
            "by_date": [_requests("date", day, counts) for day, counts in by_date.items()],
            "by_route": [_requests("route", route, counts) for route, counts in by_route.items()],
        }


def _requests(name: str, value: str, counts: Sequence[int]) -> _Content:
    return {name: value, "successful_requests": counts[0], "failed_requests": counts[1]}


def _named(rows: Sequence[Record], name: str, spend: str, count: str | None = None) -> list[_Content]:
    return [
        {
            name: row["name"],
            **({count: row["api_requests"]} if count else {}),
            spend: usd_from_nanos(row["nanos"]),
        }
        for row in rows
    ]


def _activity(rows: Sequence[Record]) -> _Content:
    return {
        "daily_data": [
            {
                "date": date.fromisoformat(row["date"]).strftime("%b %d"),
                "api_requests": row["api_requests"],
                "total_tokens": row["total_tokens"],
            }
            for row in rows
        ],
        "sum_api_requests": sum(row["api_requests"] for row in rows),
        "sum_total_tokens": sum(row["total_tokens"] for row in rows),
    }
