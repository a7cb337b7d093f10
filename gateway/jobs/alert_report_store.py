"""The queries of reports that go out as alerts."""

from datetime import date, datetime

import msgspec

from gateway.db.engine import Database

__all__ = ["AlertReportStore", "DeploymentDay", "Spent"]

_DEPLOYMENTS = """
SELECT model_id, max(model_group) AS model_group, count(*) AS requests,
    count(*) FILTER (WHERE status = 'failure') AS failures,
    avg(request_duration_ms / completion_tokens::float8)
        FILTER (WHERE status <> 'failure' AND completion_tokens > 0) AS ms_per_token
FROM "LiteLLM_SpendLogs" WHERE "startTime" >= $1 AND "startTime" < $2 AND model_id <> ''
GROUP BY model_id
"""


def _spent(table: str, name: str, join: str = "") -> str:
    return f"""
SELECT {name} AS name, round(sum(d.spend) * 1e9::float8)::bigint AS nanos,
    sum(d.api_requests)::bigint AS requests
FROM "{table}" d {join} WHERE d.date >= $1 AND d.date < $2"""  # noqa: S608  only constants are put in


_TOTAL = _spent("LiteLLM_DailyUserSpend", "''")
_ORDER = " GROUP BY 1 HAVING sum(d.spend) > 0 ORDER BY 2 DESC, 1 LIMIT $3"
_TEAMS = (
    _spent(
        "LiteLLM_DailyTeamSpend",
        "COALESCE(t.team_alias, d.team_id)",
        'LEFT JOIN "LiteLLM_TeamTable" t ON t.team_id = d.team_id',
    )
    + _ORDER
)
_TAGS = _spent("LiteLLM_DailyTagSpend", "d.tag") + _ORDER


class DeploymentDay(msgspec.Struct, frozen=True):
    """What one deployment did within some hours."""

    model_id: str
    model_group: str
    requests: int
    failures: int
    ms_per_token: float | None


class Spent(msgspec.Struct, frozen=True):
    """What somebody has spent within some days, in nano-dollars."""

    name: str
    nanos: int
    requests: int


class AlertReportStore:
    """Reads what reports say. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_deployments(self, start: datetime, end: datetime) -> list[DeploymentDay]:
        """Every deployment that was asked between two times, which are aware."""
        naive = (time.replace(tzinfo=None) for time in (start, end))
        rows = await self._database.fetch(_DEPLOYMENTS, *naive)
        return [
            DeploymentDay(
                row["model_id"],
                row["model_group"] or "",
                row["requests"],
                row["failures"],
                row["ms_per_token"],
            )
            for row in rows
        ]

    async def list_spend(self, start: date, end: date, most: int) -> tuple[Spent, list[Spent], list[Spent]]:
        """The whole spend from one day up to another, and that of the teams and tags that spent most."""
        days = start.isoformat(), end.isoformat()
        (total,) = await self._list(_TOTAL, *days)
        return total, await self._list(_TEAMS, *days, most), await self._list(_TAGS, *days, most)

    async def _list(self, sql: str, *args: object) -> list[Spent]:
        rows = await self._database.fetch(sql, *args)
        return [Spent(row["name"] or "", row["nanos"] or 0, row["requests"] or 0) for row in rows]
