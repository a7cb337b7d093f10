"""The SQL of daily activity: one page of daily rows, and their totals per day and breakdown."""

from collections.abc import Sequence

import msgspec

from gateway.db.connection import Connection, Record
from gateway.spend.daily_columns import DAILY_COUNTS
from gateway.spend.reporting.dates import Period

__all__ = ["DIMENSIONS", "TABLES", "Choice", "DailyStore", "DayTable", "GroupBounds"]

DIMENSIONS: dict[str, str] = {
    "models": "model",
    "model_groups": "model_group",
    "providers": "custom_llm_provider",
    "mcp_servers": "mcp_namespaced_tool_name",
    "endpoints": "endpoint",
}
"""The maps of a breakdown, and the columns that they are about."""

_COLUMNS = tuple(DIMENSIONS.values())
_DIMENSIONS = ", ".join(_COLUMNS)
# A row's spend is the double nearest to whole nano-dollars; sums are taken in those.
_NANOS = "round(spend * 1e9::float8)::bigint"
_AMOUNTS = ", ".join((f"{_NANOS} AS nanos", *DAILY_COUNTS))
_SUMS = ", ".join(f"sum({name})::bigint AS {name}" for name in ("nanos", *DAILY_COUNTS))
_KEYS_OF = 'api_key IN (SELECT token FROM "LiteLLM_VerificationToken" WHERE user_id = {0})'
_KEYS_LIKE = """(strpos(api_key, {0}) > 0 OR api_key IN (
    SELECT token FROM "LiteLLM_VerificationToken" WHERE strpos(lower(key_alias), lower({0})) > 0))"""
_NO_DIMENSIONS = ", ".join(f"NULL::text AS {name}" for name in _COLUMNS)


class DayTable(msgspec.Struct, frozen=True):
    """One daily table: whose days, and in which column they are named."""

    name: str
    entity: str


TABLES: dict[str, DayTable] = {
    "user": DayTable("LiteLLM_DailyUserSpend", "user_id"),
    "team": DayTable("LiteLLM_DailyTeamSpend", "team_id"),
    "organization": DayTable("LiteLLM_DailyOrganizationSpend", "organization_id"),
    "customer": DayTable("LiteLLM_DailyEndUserSpend", "end_user_id"),
    "tag": DayTable("LiteLLM_DailyTagSpend", "tag"),
    "agent": DayTable("LiteLLM_DailyAgentSpend", "agent_id"),
}
"""The daily tables by the name that routes have for them."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Which daily rows: None chooses all, an empty tuple none.

    `keys_of` chooses the keys that a user has at present, and `key_pattern` those whose alias or hash
    contains a text.
    """

    period: Period
    model: str | None = None
    model_group: str | None = None
    keys: tuple[str, ...] | None = None
    keys_of: str | None = None
    key_pattern: str | None = None
    entities: tuple[str, ...] | None = None
    excluded: tuple[str, ...] = ()


class GroupBounds(msgspec.Struct, frozen=True, kw_only=True):
    """How much of an aggregated answer is told apart.

    Keys with so many daily rows together, so many entities, and so many groups of each kind.
    """

    key_rows: int
    entities: int
    groups: int


class DailyStore:
    """Reads one daily table on a connection of a report."""

    def __init__(self, table: DayTable, connection: Connection) -> None:
        self._table = table
        self._connection = connection

    async def count(self, choice: Choice) -> int:
        """How many rows are chosen."""
        where, arguments = _where(self._table, choice)
        sql = f'SELECT count(*) FROM "{self._table.name}" WHERE {where}'  # noqa: S608  constants of this module
        return await self._connection.fetchval(sql, *arguments)

    async def list_page(self, choice: Choice, limit: int, offset: int) -> list[Record]:
        """Rows, the newest day first."""
        where, arguments = _where(self._table, choice)
        sql = f"""
            SELECT date, api_key, {_DIMENSIONS}, {self._table.entity} AS entity, {_AMOUNTS}
            FROM "{self._table.name}" WHERE {where}
            ORDER BY date DESC, id LIMIT {_place(arguments, limit)} OFFSET {_place(arguments, offset)}
            """  # noqa: S608  constants of this module
        return await self._connection.fetch(sql, *arguments)

    async def list_totals(self, choice: Choice, bounds: GroupBounds) -> list[Record]:
        """Totals per day and per day and value of each dimension, from one look at the rows.

        `parts` says by what a row is grouped beside the day. Rows with `top_key` and `top_entity` in it name
        what `list_details` is to tell apart: those that spent most, as far as the bounds reach.
        """
        where, arguments = _where(self._table, choice)
        key_rows, entities = _place(arguments, bounds.key_rows), _place(arguments, bounds.entities)
        sql = f"""
            WITH chosen AS MATERIALIZED (
                SELECT date, {_DIMENSIONS}, api_key, entity, GROUPING(date) AS has_no_date,
                    GROUPING(api_key) AS has_no_key, count(*) AS own, {_SUMS}
                FROM (
                    SELECT date, {_DIMENSIONS}, api_key, COALESCE({self._table.entity}, '') AS entity,
                        {_AMOUNTS}
                    FROM "{self._table.name}" WHERE {where}
                ) rows GROUP BY GROUPING SETS ((date, {_DIMENSIONS}), (api_key), (entity))
            ), ranked AS (
                SELECT *, sum(own) OVER (ORDER BY nanos DESC, api_key) AS so_far
                FROM chosen WHERE has_no_key = 0
            )
            (SELECT NULL::text AS api_key, date, {_DIMENSIONS}, NULL::text AS entity,
                {_parts()} AS parts, {_SUMS}
             FROM chosen WHERE has_no_date = 0 GROUP BY GROUPING SETS ((date), {_sets("date, {}")})
             ORDER BY {_parts()} = '' DESC, nanos DESC LIMIT {_place(arguments, bounds.groups)})
            UNION ALL
            SELECT api_key, NULL, {_NO_DIMENSIONS}, NULL, 'top_key', nanos, {", ".join(DAILY_COUNTS)}
            FROM ranked WHERE so_far <= {key_rows} OR so_far = own
            UNION ALL
            (SELECT NULL, NULL, {_NO_DIMENSIONS}, entity, 'top_entity', nanos, {", ".join(DAILY_COUNTS)}
             FROM chosen WHERE has_no_date = 1 AND has_no_key = 1
             ORDER BY nanos DESC, entity LIMIT {entities})
            """  # noqa: S608  constants of this module
        return await self._connection.fetch(sql, *arguments)

    async def list_details(
        self, choice: Choice, keys: Sequence[str], entities: Sequence[str], bounds: GroupBounds
    ) -> list[Record]:
        """Totals per day and entity of some entities, and per day and value and entity of some keys."""
        where, arguments = _where(self._table, choice)
        entity = self._table.entity
        of_entities = f"{entity} = ANY({_place(arguments, list(entities))}::text[])"
        if "" in entities:
            of_entities = f"({of_entities} OR {entity} IS NULL)"
        of_keys = f"api_key = ANY({_place(arguments, list(keys))}::text[])"
        rows = f"""SELECT date, {_DIMENSIONS}, api_key, COALESCE({entity}, '') AS entity, {_AMOUNTS}
            FROM "{self._table.name}" WHERE {where}"""  # noqa: S608  constants of this module
        limit = _place(arguments, bounds.groups)
        sql = f"""
            (SELECT NULL::text AS api_key, date, {_NO_DIMENSIONS}, entity, 'entity' AS parts, {_SUMS}
             FROM ({rows} AND {of_entities}) rows GROUP BY date, entity ORDER BY nanos DESC LIMIT {limit})
            UNION ALL
            (SELECT api_key, date, {_DIMENSIONS}, entity, {_parts(*_COLUMNS, "entity")}, {_SUMS}
             FROM ({rows} AND {of_keys}) rows
             GROUP BY GROUPING SETS ((api_key, date), (api_key, date, entity), {_sets("api_key, date, {}")})
             ORDER BY {_parts(*_COLUMNS, "entity")} = '' DESC, nanos DESC LIMIT {limit})
            """  # noqa: S608  constants of this module
        return await self._connection.fetch(sql, *arguments)

    async def list_entities(self, choice: Choice, text: str, limit: int, offset: int) -> list[Record]:
        """The entities that contain a text, in any case, with how many there are as `entities`."""
        where, arguments = _where(self._table, choice)
        entity, pattern = self._table.entity, _place(arguments, text)
        sql = f"""
            SELECT entity, count(*) OVER () AS entities FROM (
                SELECT DISTINCT {entity} AS entity FROM "{self._table.name}" WHERE {where}
                    AND {entity} <> '' AND strpos(lower({entity}), lower({pattern})) > 0
            ) found ORDER BY entity COLLATE "C"
            LIMIT {_place(arguments, limit)} OFFSET {_place(arguments, offset)}"""  # noqa: S608  as above
        return await self._connection.fetch(sql, *arguments)

    async def list_keys(self, choice: Choice, limit: int, offset: int) -> list[Record]:
        """Totals per key, the dearest first, with how many keys there are as `keys`."""
        where, arguments = _where(self._table, choice)
        sql = f"""
            SELECT api_key, {_SUMS}, count(*) OVER () AS keys FROM (
                SELECT api_key, {_AMOUNTS} FROM "{self._table.name}" WHERE {where}
            ) chosen GROUP BY api_key ORDER BY nanos DESC, api_key
            LIMIT {_place(arguments, limit)} OFFSET {_place(arguments, offset)}"""  # noqa: S608  as above
        return await self._connection.fetch(sql, *arguments)

    async def list_uncached_keys(self, choice: Choice, limit: int) -> list[Record]:
        """Totals of keys whose prompts were never read from a provider's cache, most tokens first."""
        where, arguments = _where(self._table, choice)
        sql = f"""
            SELECT api_key, {_SUMS} FROM (
                SELECT api_key, {_AMOUNTS} FROM "{self._table.name}" WHERE {where}
            ) chosen GROUP BY api_key HAVING sum(cache_read_input_tokens) = 0 AND sum(prompt_tokens) > 0
            ORDER BY prompt_tokens DESC, api_key LIMIT {_place(arguments, limit)}"""  # noqa: S608  as above
        return await self._connection.fetch(sql, *arguments)

    async def list_export(self, choice: Choice, limit: int) -> list[Record]:
        """Totals per day, entity, key, model and provider, the newest day first."""
        where, arguments = _where(self._table, choice)
        sql = f"""
            SELECT date, entity, api_key, model, custom_llm_provider, {_SUMS} FROM (
                SELECT date, {self._table.entity} AS entity, api_key, model, custom_llm_provider, {_AMOUNTS}
                FROM "{self._table.name}" WHERE {where}
            ) chosen GROUP BY 1, 2, 3, 4, 5 ORDER BY date DESC, nanos DESC, 2, 3, 4, 5
            LIMIT {_place(arguments, limit)}"""  # noqa: S608  as above
        return await self._connection.fetch(sql, *arguments)


def _place(arguments: list[object], value: object) -> str:
    """The placeholder of one more argument."""
    arguments.append(value)
    return f"${len(arguments)}"


def _where(table: DayTable, choice: Choice) -> tuple[str, list[object]]:
    """Only the conditions that are asked for, so that a plan kept for later uses the index on them."""
    arguments: list[object] = []
    start, end = choice.period.bounds
    parts = [f"date >= {_place(arguments, start)}", f"date <= {_place(arguments, end)}"]
    if choice.model is not None:
        parts.append(f"model = {_place(arguments, choice.model)}")
    if choice.model_group is not None:
        parts.append(f"model_group = {_place(arguments, choice.model_group)}")
    if choice.keys is not None:
        parts.append(f"api_key = ANY({_place(arguments, list(choice.keys))}::text[])")
    if choice.keys_of is not None:
        parts.append(_KEYS_OF.format(_place(arguments, choice.keys_of)))
    if choice.key_pattern is not None:
        parts.append(_KEYS_LIKE.format(_place(arguments, choice.key_pattern)))
    if choice.entities is not None:
        parts.append(f"{table.entity} = ANY({_place(arguments, list(choice.entities))}::text[])")
    if choice.excluded:
        parts.append(f"NOT ({table.entity} = ANY({_place(arguments, list(choice.excluded))}::text[]))")
    return " AND ".join(parts), arguments


def _sets(form: str) -> str:
    return ", ".join(f"({form.format(name)})" for name in _COLUMNS)


def _parts(*names: str) -> str:
    """Which one column a row of grouping sets is grouped by, as a text."""
    columns: Sequence[str] = names or _COLUMNS
    cases = " ".join(f"WHEN GROUPING({name}) = 0 THEN '{name}'" for name in columns)
    return f"CASE {cases} ELSE '' END"
