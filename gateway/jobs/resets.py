"""Starts budgets anew when their periods are over: what was spent becomes 0, by an adjustment."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import msgspec
import structlog

from gateway.clock import Clock, datetime_from_nanos
from gateway.db.connection import Connection
from gateway.db.engine import Database
from gateway.db.entities import Entity, scopes_of
from gateway.db.lease import Lease
from gateway.identity.reset_calendar import ResetCalendar
from gateway.ids import new_id
from gateway.jobs.reset_store import LINKED, OWN, WINDOWED, DueBudget, ResetStore
from gateway.jobs.windows import move_windows
from gateway.spend.books.store import Adjustment, SpendRow, adjust

__all__ = ["RESET_JOB", "BudgetResets", "ResetPolicy"]

RESET_JOB = "reset_budget_job"
"""The name of the lease, as LiteLLM calls it."""
_ACTOR = f"job:{RESET_JOB}"
_REASON = "reset"
_ROWS = 500
"""Rows of one transaction: the drain may have to wait for them."""
_A_DAY = timedelta(days=1)


class ResetPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How budgets start anew; `rolls_over` carries what was spent beyond a budget into its next period."""

    calendar: ResetCalendar = ResetCalendar()
    rolls_over: bool = False
    end_user_budget_id: str | None = None
    """The budget row of end users who have none."""


class BudgetResets:
    """The reset job. Every transaction is small, fenced by the lease, and complete in itself.

    A transaction sets `spend` of some rows, writes the adjustments, moves the dates, and tells the workers,
    who then read the new totals. What is journalled and not drained by then is added afterwards: a charge
    belongs to the period in which it reaches the database.
    """

    def __init__(self, database: Database, clock: Clock, policy: ResetPolicy) -> None:
        self.resets = 0
        self._database = database
        self._store = ResetStore(database)
        self._clock = clock
        self._policy = policy
        self._log = structlog.get_logger(__name__)

    async def run(self, lease: Lease) -> float | None:
        """Reset what is due; return in how many seconds the next period ends.

        Raises DatabaseUnavailable, and LeaseLostError when another worker has taken over.
        """
        policy, before = self._policy, self.resets
        for entity in OWN:
            while await self._reset_own(lease, entity, policy) == _ROWS:
                pass
        await self._reset_budgets(lease, policy)
        for entity in WINDOWED:
            await self._move_windows(lease, entity, policy)
        if self.resets > before:
            self._log.info("budgets_reset", rows=self.resets - before)
        now = self._now()
        upcoming = await self._store.find_next(now)
        return None if upcoming is None else (upcoming - now).total_seconds()

    async def _reset_own(self, lease: Lease, entity: Entity, policy: ResetPolicy) -> int:
        """Reset some rows with budgets of their own; return how many were due."""
        now = self._now()
        async with self._transaction(lease) as connection:
            due = await self._store.lock_due(connection, entity, now, _ROWS)
            ended = [one for one in due if one.has_ended]
            changes = [
                Adjustment(
                    row=one.row,
                    id=new_id(),
                    to_nanos=_kept(one.row, one.max_nanos if policy.rolls_over else None),
                )
                for one in ended
            ]
            await self._apply(connection, entity, changes)
            dates = [(one.row.id, _next(one.budget_duration, now, policy)) for one in due]
            await self._store.set_dates(connection, entity, dates)
        self.resets += len(ended)
        return len(due)

    async def _reset_budgets(self, lease: Lease, policy: ResetPolicy) -> None:
        """Reset what follows the budget rows that are due, and move the rows' dates after it."""
        now = self._now()
        while due := await self._store.list_due_budgets(now, _ROWS):
            for found in due:
                budget = msgspec.structs.replace(
                    found,
                    max_nanos=found.max_nanos if policy.rolls_over else None,
                    is_end_user_default=found.budget_id == policy.end_user_budget_id,
                )
                if budget.reset_at is not None:
                    for entity in LINKED:
                        while await self._reset_linked(lease, entity, budget) == _ROWS:
                            pass
                async with self._transaction(lease) as connection:
                    reset_at = _next(budget.budget_duration, now, policy)
                    await self._store.set_budget_date(connection, budget, reset_at)

    async def _reset_linked(self, lease: Lease, entity: Entity, budget: DueBudget) -> int:
        """Reset some rows that follow a budget row; return how many there were.

        Their adjustments are named after the period that ends, so that a successor of a worker that died
        half-way resets only the others.
        """
        mark = f"{_REASON}:{budget.budget_id}:{budget.reset_at:%Y%m%dT%H%M%S}:{entity.kind}:"
        async with self._transaction(lease) as connection:
            rows = await self._store.lock_linked(connection, entity, budget, mark=mark, limit=_ROWS)
            changes = [
                Adjustment(row=row, id=f"{mark}{row.entity_id}", to_nanos=_kept(row, budget.max_nanos))
                for row in rows
            ]
            await self._apply(connection, entity, changes)
        self.resets += len(rows)
        return len(rows)

    async def _move_windows(self, lease: Lease, entity: Entity, policy: ResetPolicy) -> None:
        """Let windows of `budget_limits` that have ended begin anew."""
        now = datetime_from_nanos(self._clock.now_nanos())
        before, after, found = (now + _A_DAY).isoformat(), "", _ROWS
        while found == _ROWS:
            async with self._transaction(lease) as connection:
                rows = await self._store.lock_windowed(
                    connection, entity, after=after, before=before, limit=_ROWS
                )
                moved = [
                    msgspec.structs.replace(row, budget_limits=windows)
                    for row in rows
                    if (windows := move_windows(row.budget_limits, now, policy.calendar)) is not None
                ]
                if moved:
                    await self._store.set_windows(connection, entity, moved)
                    scopes = [scope for row in moved for scope in scopes_of(entity, row.id)]
                    await self._store.tell(connection, scopes)
            found = len(rows)
            after = rows[-1].id if rows else after

    async def _apply(self, connection: Connection, entity: Entity, changes: Sequence[Adjustment]) -> None:
        if not changes:
            return
        await adjust(connection, entity, changes, reason=_REASON, actor=_ACTOR)
        scopes = [scope for change in changes for scope in scopes_of(entity, change.row.entity_id)]
        await self._store.clear_meters(connection, scopes)
        await self._store.tell(connection, scopes)

    @asynccontextmanager
    async def _transaction(self, lease: Lease) -> AsyncGenerator[Connection]:
        async with self._database.transaction() as connection:
            await lease.fence(connection)
            yield connection

    def _now(self) -> datetime:
        return datetime_from_nanos(self._clock.now_nanos()).replace(tzinfo=None)


def _kept(row: SpendRow, max_nanos: int | None) -> int:
    """What a row begins its next period with: nothing, or what was spent beyond a budget that rolls over."""
    return 0 if max_nanos is None else max(0, row.nanos - max_nanos)


def _next(budget_duration: str | None, now: datetime, policy: ResetPolicy) -> datetime | None:
    """When the period that begins now ends, as naive UTC; never without a duration."""
    if budget_duration is None:
        return None
    return policy.calendar.next_reset(now.replace(tzinfo=UTC), budget_duration).replace(tzinfo=None)
