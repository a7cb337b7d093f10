"""The SQL of spend rows one by one: pages by filters, sessions, and one row with what was said."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import msgspec

from gateway.db.connection import Connection, Record
from gateway.db.cursors import Cursor

__all__ = ["MOST_COUNTED", "MOST_LOOKED_AT", "SORT_COLUMNS", "LogChoice", "LogsStore", "Order"]

MOST_COUNTED = 10_000
"""More rows are not counted: the total says this many."""
MOST_LOOKED_AT = 20_000
"""How many rows one answer looks at for what no index knows; the next one goes on behind them."""

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
_INDEXED = {
    "api_key": "api_key",
    "user_id": '"user"',
    "session_id": "session_id",
    "team_id": "team_id",
    "end_user": "end_user",
}
# What an index answers, and what has to be looked at row by row.
_FAST = {
    **{name: f"{column} = {{0}}" for name, column in _INDEXED.items()},
    "request_id": "(request_id = {0} OR litellm_call_id = {0})",
    "start": '"startTime" >= {0}',
    "end": '"startTime" <= {0}',
}
# As LiteLLM names the calls that are no inference.
_SPAN_TYPE = """CASE WHEN call_type IN ('call_mcp_tool', 'list_mcp_tools') THEN 'mcp'
    WHEN call_type IN ('send_message', 'asend_message', 'asend_message_streaming') THEN 'agent'
    ELSE 'llm' END"""
_SLOW = {
    **{name: f"{name} = {{0}}" for name in ("model", "model_id", "model_group", "cache_hit")},
    "min_spend": "spend >= {0}",
    "max_spend": "spend <= {0}",
    "key_alias": "strpos(lower(metadata ->> 'user_api_key_alias'), lower({0})) > 0",
    "error_code": "metadata -> 'error_information' ->> 'error_code' = {0}",
    "span_type": f"{_SPAN_TYPE} = {{0}}",
    "client_oauth": "COALESCE(metadata ->> 'used_client_oauth_token', 'false') = {0}",
    "excluded_source": "(api_key <> {0} AND NOT COALESCE(request_tags ? {0}, false))",
    "error_message": """strpos(lower(metadata -> 'error_information' ->> 'error_message'), lower({0})) > 0""",
}
_STATUS = {
    "failure": "status = 'failure'",
    "success": "(status IS NULL OR status <> 'failure')",
}


class LogChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows: what is None narrows nothing. Times are naive UTC and included; amounts are USD.

    `span_type` is llm, mcp or agent, `client_oauth` true or false; `excluded_source` is a key or a tag.
    """

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
    span_type: str | None = None
    client_oauth: str | None = None
    excluded_source: str | None = None


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
        """How many rows are chosen among those looked at, at most one more than `MOST_COUNTED`."""
        source, arguments = _source(choice, Order(), None)
        sql = f"SELECT count(*) FROM (SELECT FROM {source} LIMIT {MOST_COUNTED + 1}) found"  # noqa: S608  constants
        return await self._connection.fetchval(sql, *arguments)

    async def list_page(
        self, choice: LogChoice, order: Order, limit: int, offset: int, after: Cursor | None
    ) -> list[Record]:
        """One page, without what was said; `after` is for an order by `startTime`."""
        source, arguments = _source(choice, order, after)
        arguments += [limit, offset]
        sql = f"""
            SELECT {_COLUMNS} FROM {source}
            ORDER BY {order.sql} LIMIT ${len(arguments) - 1} OFFSET ${len(arguments)}
            """  # noqa: S608  constants of this module
        return await self._connection.fetch(sql, *arguments)

    async def find_last_looked_at(
        self, choice: LogChoice, order: Order, after: Cursor | None
    ) -> Record | None:
        """The last of the rows that a page of such a choice looks at, if there may be more behind it."""
        if not _is_slow(choice, order):
            return None
        where, arguments = _where(choice, _FAST)
        where += _behind(order, after, arguments)
        sql = f"""
            SELECT "startTime", request_id FROM "LiteLLM_SpendLogs" WHERE {where}
            ORDER BY {order.sql} LIMIT 1 OFFSET {MOST_LOOKED_AT - 1}"""  # noqa: S608  constants of this module
        return await self._connection.fetchrow(sql, *arguments)

    async def list_sessions(
        self, choice: LogChoice, limit: int, offset: int, after: Cursor | None
    ) -> list[Record]:
        """The latest row of each session, a row without one being its own, among the newest `MOST_COUNTED`.

        `after` is the latest row of the session before the first one. `session_total_count` and
        `session_total_spend` (USD) are of the rows that were looked at.
        """
        source, arguments = _source(choice, Order(), None)
        behind = _behind(Order(), after, arguments)
        arguments += [limit, offset]
        sql = f"""
            WITH newest AS MATERIALIZED (
                SELECT request_id, "startTime", spend, COALESCE(NULLIF(session_id, ''), request_id) AS session
                FROM {source}
                ORDER BY "startTime" DESC, request_id DESC LIMIT {MOST_COUNTED}
            ), latest AS (
                SELECT DISTINCT ON (session) request_id, "startTime",
                    count(*) OVER (PARTITION BY session) AS session_total_count,
                    sum(round(spend * 1e9::float8)::bigint) OVER (PARTITION BY session)::bigint / 1e9::float8
                        AS session_total_spend
                FROM newest ORDER BY session, "startTime" DESC, request_id DESC
            ), page AS (
                SELECT *, (SELECT count(*) FROM latest) AS sessions FROM latest WHERE true{behind}
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


def _source(choice: LogChoice, order: Order, after: Cursor | None) -> tuple[str, list[object]]:
    """FROM and WHERE of the chosen rows; what no index knows is looked for in a bounded number of rows."""
    where, arguments = _where(choice, _FAST)
    where += _behind(order, after, arguments)
    if not _is_slow(choice, order):
        if _has_slow(choice):
            slow, arguments = _where(choice, _SLOW, arguments)
            where = f"{where} AND {slow}"
        return f'"LiteLLM_SpendLogs" WHERE {where}', arguments
    window = f"""(
        SELECT * FROM "LiteLLM_SpendLogs" WHERE {where} ORDER BY {order.sql} LIMIT {MOST_LOOKED_AT}
    ) looked_at"""  # noqa: S608  constants of this module
    slow, arguments = _where(choice, _SLOW, arguments)
    return f"{window} WHERE {slow}", arguments


def _behind(order: Order, after: Cursor | None, arguments: list[object]) -> str:
    if after is None:
        return ""
    arguments += [after.column_value, after.key]
    sign = ">" if order.is_rising else "<"
    return f' AND ("startTime", request_id) {sign} (${len(arguments) - 1}, ${len(arguments)})'


def _has_slow(choice: LogChoice) -> bool:
    return choice.status is not None or any(getattr(choice, name) is not None for name in _SLOW)


def _is_slow(choice: LogChoice, order: Order) -> bool:
    """Whether rows are looked at one by one in the order of time; another order needs all of them anyway."""
    return order.name == "startTime" and _has_slow(choice)


def _where(
    choice: LogChoice, conditions: Mapping[str, str], given: list[object] | None = None
) -> tuple[str, list[object]]:
    """Only the conditions that are asked for, so that each question has the plan that suits it."""
    arguments: list[object] = [] if given is None else given
    parts: list[str] = []
    for name, condition in conditions.items():
        value = getattr(choice, name)
        if value is not None:
            arguments.append(value)
            parts.append(condition.format(f"${len(arguments)}"))
    if conditions is _SLOW and choice.status is not None:
        parts.append(_STATUS[choice.status])
    return " AND ".join(parts) or "true", arguments
