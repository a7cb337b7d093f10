"""The queries of budget resets: which rows are due, and what moves their dates."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from gateway.db.connection import Connection, Record
from gateway.db.engine import Database
from gateway.db.entities import Entity, entity_of
from gateway.db.notify import notify
from gateway.domain import Scope, ScopeKind
from gateway.identity.invalidation import CHANNEL, encode_scopes
from gateway.spend.books.store import SpendRow

__all__ = ["LINKED", "OWN", "WINDOWED", "DueBudget", "DueRow", "ResetStore", "WindowRow"]

OWN = tuple(entity_of(kind) for kind in (ScopeKind.KEY, ScopeKind.USER, ScopeKind.TEAM))
"""Tables whose rows have a budget of their own."""
LINKED = tuple(
    entity_of(kind)
    for kind in (
        ScopeKind.KEY,
        ScopeKind.TEAM_MEMBER,
        ScopeKind.ORGANIZATION,
        ScopeKind.ORGANIZATION_MEMBER,
        ScopeKind.PROJECT,
        ScopeKind.END_USER,
        ScopeKind.TAG,
    )
)
"""Tables whose rows follow a row of LiteLLM_BudgetTable."""
WINDOWED = tuple(entity_of(kind) for kind in (ScopeKind.KEY, ScopeKind.TEAM))
"""Tables whose rows have `budget_limits`."""

_BUDGETS = "LiteLLM_BudgetTable"
_NANOS = "round(COALESCE({}, 0) * 1e9::float8)::bigint"


class DueRow(msgspec.Struct, frozen=True, kw_only=True):
    """A locked row whose period is over, or has no end yet; amounts are nano-dollars."""

    row: SpendRow
    max_nanos: int | None
    budget_duration: str | None
    has_ended: bool


class DueBudget(msgspec.Struct, frozen=True, kw_only=True):
    """A budget row whose period is over, or has no end yet; times are naive UTC.

    `is_end_user_default` says that end users without a budget row follow it too.
    """

    budget_id: str
    max_nanos: int | None
    budget_duration: str | None
    reset_at: datetime | None
    is_end_user_default: bool = False


class WindowRow(msgspec.Struct, frozen=True):
    """A locked row with the JSON of its `budget_limits`."""

    id: str
    budget_limits: str


class ResetStore:
    """Reads and moves dates. Times are naive UTC, as the columns are. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock_due(
        self, connection: Connection, entity: Entity, now: datetime, limit: int
    ) -> list[DueRow]:
        """Rows of a table whose period is over; keys that have expired keep what they had spent."""
        living = " AND (t.expires IS NULL OR t.expires > $1)" if entity.kind is ScopeKind.KEY else ""
        sql = f"""
            SELECT t.{entity.key} AS id, '' AS owner_id, {_NANOS.format("t.spend")} AS nanos,
                {_NANOS.format("t.max_budget")} AS max_nanos, t.max_budget IS NULL AS is_unlimited,
                t.budget_duration, t.budget_reset_at IS NOT NULL AS has_ended
            FROM "{entity.table}" t
            WHERE (t.budget_reset_at <= $1 OR (t.budget_reset_at IS NULL AND t.budget_duration IS NOT NULL))
                {living}
            ORDER BY {entity.order_sql} LIMIT $2 FOR NO KEY UPDATE OF t"""  # noqa: S608  names are constants
        return [
            DueRow(
                row=_spend_row(row),
                max_nanos=None if row["is_unlimited"] else row["max_nanos"],
                budget_duration=row["budget_duration"],
                has_ended=row["has_ended"],
            )
            for row in await connection.fetch(sql, now, limit)
        ]

    async def clear_meters(self, connection: Connection, scopes: Sequence[Scope]) -> None:
        """Let budgets per model without a period of their own start anew with the objects that have them."""
        sql = """
            DELETE FROM gatewright.meter m USING unnest($1::text[], $2::text[]) AS s (kind, id)
            WHERE m.kind = s.kind AND m.id = s.id AND m.period = ''"""
        await connection.execute(sql, [scope.kind.value for scope in scopes], [scope.id for scope in scopes])

    async def set_dates(
        self, connection: Connection, entity: Entity, dates: Sequence[tuple[str, datetime | None]]
    ) -> None:
        """Say when the periods of locked rows end; None ends them never."""
        sql = f"""
            UPDATE "{entity.table}" t SET budget_reset_at = d.reset_at
            FROM unnest($1::text[], $2::timestamp[]) AS d (id, reset_at) WHERE t.{entity.key} = d.id
            """  # noqa: S608  names are constants
        await connection.execute(sql, [one for one, _ in dates], [at for _, at in dates])

    async def list_due_budgets(self, now: datetime, limit: int) -> list[DueBudget]:
        """Budget rows whose period is over."""
        sql = f"""
            SELECT budget_id, max_budget IS NULL AS is_unlimited, {_NANOS.format("max_budget")} AS max_nanos,
                budget_duration, budget_reset_at
            FROM "{_BUDGETS}"
            WHERE budget_reset_at <= $1 OR (budget_reset_at IS NULL AND budget_duration IS NOT NULL)
            ORDER BY budget_id LIMIT $2"""  # noqa: S608  names are constants
        return [
            DueBudget(
                budget_id=row["budget_id"],
                max_nanos=None if row["is_unlimited"] else row["max_nanos"],
                budget_duration=row["budget_duration"],
                reset_at=row["budget_reset_at"],
            )
            for row in await self._database.fetch(sql, now, limit)
        ]

    async def lock_linked(
        self, connection: Connection, entity: Entity, budget: DueBudget, *, mark: str, limit: int
    ) -> list[SpendRow]:
        """Rows that follow a budget row, have spent something, and have no adjustment `<mark><id>` yet.

        `max_nanos` of the budget is None unless it rolls over: then a budget of 0 has nothing to reset.
        """
        owner = f"t.{entity.owner_key}" if entity.owner_key else "''"
        # A key with a period of its own starts anew by itself.
        follows = " AND t.budget_duration IS NULL" if entity.kind is ScopeKind.KEY else ""
        linked = f"(t.budget_id = $1{_linked_by_default(entity, budget)})"
        sql = f"""
            SELECT t.{entity.key} AS id, {owner} AS owner_id, {_NANOS.format("t.spend")} AS nanos
            FROM "{entity.table}" t
            WHERE {linked} AND t.spend <> 0 AND ($4::bigint IS NULL OR $4 <> 0){follows}
                AND NOT EXISTS (SELECT FROM gatewright.adjustment a WHERE a.id = $2 || {entity.id_sql})
            ORDER BY {entity.order_sql} LIMIT $3 FOR NO KEY UPDATE OF t"""  # noqa: S608  names are constants
        rows = await connection.fetch(sql, budget.budget_id, mark, limit, budget.max_nanos)
        return [_spend_row(row) for row in rows]

    async def set_budget_date(
        self, connection: Connection, budget: DueBudget, reset_at: datetime | None
    ) -> None:
        """Say when the next period of a budget row ends, unless somebody has said so meanwhile."""
        sql = f"""
            UPDATE "{_BUDGETS}" SET budget_reset_at = $2
            WHERE budget_id = $1 AND budget_reset_at IS NOT DISTINCT FROM $3"""  # noqa: S608  names are constants
        await connection.execute(sql, budget.budget_id, reset_at, budget.reset_at)

    async def lock_windowed(
        self, connection: Connection, entity: Entity, *, after: str, before: str, limit: int
    ) -> list[WindowRow]:
        """Rows behind an id of which a window may end before an ISO time, or has no end yet.

        The texts are compared as they stand, which is right to a day: whoever asks reads them exactly.
        """
        sql = f"""
            SELECT t.{entity.key} AS id, t.budget_limits::text AS budget_limits FROM "{entity.table}" t
            WHERE t.{entity.key} COLLATE "C" > $1 AND jsonb_typeof(t.budget_limits) = 'array'
                AND EXISTS (SELECT FROM jsonb_array_elements(t.budget_limits) w
                    WHERE w ->> 'reset_at' IS NULL OR w ->> 'reset_at' < $2)
            ORDER BY {entity.order_sql} LIMIT $3 FOR NO KEY UPDATE OF t"""  # noqa: S608  names are constants
        rows = await connection.fetch(sql, after, before, limit)
        return [WindowRow(row["id"], row["budget_limits"]) for row in rows]

    async def set_windows(self, connection: Connection, entity: Entity, rows: Sequence[WindowRow]) -> None:
        """Store the windows of locked rows."""
        sql = f"""
            UPDATE "{entity.table}" t SET budget_limits = d.windows::jsonb
            FROM unnest($1::text[], $2::text[]) AS d (id, windows) WHERE t.{entity.key} = d.id
            """  # noqa: S608  names are constants
        await connection.execute(sql, [row.id for row in rows], [row.budget_limits for row in rows])

    async def tell(self, connection: Connection, scopes: Sequence[Scope]) -> None:
        """Make every worker forget what it knows of these, when the transaction commits."""
        for payload in encode_scopes(scopes):
            await notify(connection, CHANNEL, payload)

    async def find_next(self, now: datetime) -> datetime | None:
        """When the next period of any row ends."""
        tables = (*(entity.table for entity in OWN), _BUDGETS)
        parts = " UNION ALL ".join(
            f'SELECT min(budget_reset_at) AS at FROM "{table}" WHERE budget_reset_at > $1'  # noqa: S608  constants
            for table in tables
        )
        return await self._database.fetch_value(f"SELECT min(at) FROM ({parts}) ends", now)  # noqa: S608  constants


def _linked_by_default(entity: Entity, budget: DueBudget) -> str:
    """The condition on which rows without a budget row follow this one."""
    if entity.kind is ScopeKind.END_USER and budget.is_end_user_default:
        return " OR t.budget_id IS NULL"
    if entity.kind is ScopeKind.TEAM_MEMBER:
        return """ OR (t.budget_id IS NULL AND EXISTS (SELECT FROM "LiteLLM_TeamTable" x
            WHERE x.team_id = t.team_id AND x.metadata ->> 'team_member_budget_id' = $1))"""
    return ""


def _spend_row(row: Record) -> SpendRow:
    return SpendRow(id=row["id"], owner_id=row["owner_id"], nanos=row["nanos"])
