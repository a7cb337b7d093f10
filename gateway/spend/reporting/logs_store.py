"""The SQL of spend rows one by one: pages by filters, sessions, and one row with what was said."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

from gateway.db.connection import Connection, Record

__all__ = ["MOST_COUNTED", "SORT_COLUMNS", "Cursor", "LogChoice", "LogsStore", "Order"]

MOST_COUNTED = 10_000
"""More rows are not counted: the total says this many."""

SORT_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "startTime": '"startTime"',
        "endTime": '"endTime"',
        "spend": "spend",
        "total_tokens": "total_tokens",
        "prompt_tokens": "prompt_tokens",
        "completion_tokens": "completion_tokens",
        "request_duration_ms": "request_duration_ms",
        "model": "model",
    }
)
"""What rows may be sorted by, and the columns."""

# What was said can be megabytes; `find` has it.
_COLUMNS = """request_id, call_type, api_key, spend, total_tokens, prompt_tokens, completion_tokens,
    "startTime", "endTime", request_duration_ms, "completionStartTime", model, model_id, model_group,
    custom_llm_provider,
    api_base, "user", metadata, cache_hit, cache_key, request_tags, team_id, organization_id, end_user,
    requester_ip_address, session_id, status, mcp_namespaced_tool_name, agent_id, litellm_call_id,
    '{}'::text AS messages, '{}'::text AS response, '{}'::text AS proxy_server_request"""
_EQUAL = {
    "api_key": "api_key",
    "user_id": '"user"',
    "session_id": "session_id",
    "team_id": "team_id",
    "model": "model",
    "model_id": "model_id",
    "model_group": "model_group",
    "end_user": "end_user",
    "cache_hit": "cache_hit",
}
_CONDITIONS = {
    **{name: f"{column} = {{0}}" for name, column in _EQUAL.items()},
    "request_id": "(request_id = {0} OR litellm_call_id = {0})",
    "start": '"startTime" >= {0}',
    "end": '"startTime" <= {0}',
    "min_spend": "spend >= {0}",
    "max_spend": "spend <= {0}",
    "key_alias": "strpos(lower(metadata ->> 'user_api_key_alias'), lower({0})) > 0",
    "error_code": "metadata -> 'error_information' ->> 'error_code' = {0}",
    "error_message": """strpos(lower(metadata -> 'error_information' ->> 'error_message'), lower({0})) > 0""",
}
_STATUS = {
    "failure": "status = 'failure'",
    "success": "(status IS NULL OR status <> 'failure')",
}


class LogChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows: what is None narrows nothing. Times are naive UTC and included; amounts are USD."""

    start: datetime | None = None
    end: datetime | None = None
    api_key: str | None = None
    user_id: str | None = None
    request_id: str | None = None
    session_id: str | None = None
    team_id: str | None = None
    model: str | None = None
    model_id: str | None = None
    model_group: str | None = None
    end_user: str | None = None
    cache_hit: str | None = None
    min_spend: float | None = None
    max_spend: float | None = None
    key_alias: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    status: str | None = None


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """The row behind which a page begins."""

    started: datetime
    request_id: str


class Order(msgspec.Struct, frozen=True):
    """By which of `SORT_COLUMNS`; the newest or the largest first unless `is_rising`."""

    name: str = "startTime"
    is_rising: bool = False

    @property
    def sql(self) -> str:
        """The members of ORDER BY; the id makes it whole."""
        direction = "ASC" if self.is_rising else "DESC"
        return f"{SORT_COLUMNS[self.name]} {direction}, request_id {direction}"


class LogsStore:
    """Reads LiteLLM_SpendLogs on a connection of a report."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def count(self, choice: LogChoice) -> int:
        """How many rows are chosen, at most one more than `MOST_COUNTED`."""
        where, arguments = _where(choice)
        sql = f"""
            SELECT count(*) FROM (
                SELECT FROM "LiteLLM_SpendLogs" WHERE {where} LIMIT {MOST_COUNTED + 1}
            ) found"""  # noqa: S608  constants of this module
        return await self._connection.fetchval(sql, *arguments)

    async def list_page(
        self, choice: LogChoice, order: Order, limit: int, offset: int, after: Cursor | None
    ) -> list[Record]:
        """One page, without what was said; `after` is for an order by `startTime`."""
        where, arguments = _where(choice)
        if after is not None:
            sign = ">" if order.is_rising else "<"
            arguments += [after.started, after.request_id]
            where += f' AND ("startTime", request_id) {sign} (${len(arguments) - 1}, ${len(arguments)})'
        arguments += [limit, offset]
        sql = f"""
            SELECT {_COLUMNS} FROM "LiteLLM_SpendLogs" WHERE {where}
            ORDER BY {order.sql} LIMIT ${len(arguments) - 1} OFFSET ${len(arguments)}
            """  # noqa: S608  constants of this module
        return await self._connection.fetch(sql, *arguments)

    async def list_sessions(self, choice: LogChoice, limit: int, offset: int) -> list[Record]:
        """The latest row of each session, a row without one being its own, among the newest `MOST_COUNTED`.

        `session_total_count` and `session_total_spend` (USD) are of the rows that were looked at.
        """
        where, arguments = _where(choice)
        arguments += [limit, offset]
        sql = f"""
            WITH newest AS MATERIALIZED (
                SELECT request_id, "startTime", spend, COALESCE(NULLIF(session_id, ''), request_id) AS session
                FROM "LiteLLM_SpendLogs" WHERE {where}
                ORDER BY "startTime" DESC, request_id DESC LIMIT {MOST_COUNTED}
            ), latest AS (
                SELECT DISTINCT ON (session) request_id, "startTime",
                    count(*) OVER (PARTITION BY session) AS session_total_count,
                    sum(round(spend * 1e9::float8)::bigint) OVER (PARTITION BY session)::bigint / 1e9::float8
                        AS session_total_spend
                FROM newest ORDER BY session, "startTime" DESC, request_id DESC
            ), page AS (
                SELECT *, count(*) OVER () AS sessions FROM latest
                ORDER BY "startTime" DESC, request_id DESC
                LIMIT ${len(arguments) - 1} OFFSET ${len(arguments)}
            )
            SELECT logs.*, page.session_total_count, page.session_total_spend, page.sessions
            FROM page JOIN LATERAL (
                SELECT {_COLUMNS} FROM "LiteLLM_SpendLogs" l WHERE l.request_id = page.request_id
            ) logs ON true ORDER BY page."startTime" DESC, page.request_id DESC
            """  # noqa: S608  constants of this module
        return await self._connection.fetch(sql, *arguments)

    async def find(self, request_id: str) -> Record | None:
        """One row with what was said, by its id or its call id."""
        sql = """
            SELECT api_key, "user", team_id, messages, response, proxy_server_request FROM "LiteLLM_SpendLogs"
            WHERE request_id = $1 OR litellm_call_id = $1 ORDER BY request_id = $1 DESC LIMIT 1"""
        return await self._connection.fetchrow(sql, request_id)


def _where(choice: LogChoice) -> tuple[str, list[object]]:
    """Only the conditions that are asked for, so that each question has the plan that suits it."""
    arguments: list[object] = []
    parts: list[str] = []
    for name, condition in _CONDITIONS.items():
        value = getattr(choice, name)
        if value is not None:
            arguments.append(value)
            parts.append(condition.format(f"${len(arguments)}"))
    if choice.status is not None:
        parts.append(_STATUS[choice.status])
    return " AND ".join(parts) or "true", arguments
