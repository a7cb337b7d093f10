"""What the services of all resources work with: one store per table, notices, books and the time."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, cast

import msgspec

from gateway.audit.changes import Audited, created, updated
from gateway.audit.trail import AuditTrail
from gateway.clock import Clock, datetime_from_nanos
from gateway.db.engine import Database
from gateway.db.rows import Columns
from gateway.domain import Principal
from gateway.identity.access_groups_store import AccessGroupLinks
from gateway.identity.adjustments_store import SpendEntries
from gateway.identity.budgets.store import BudgetRecords
from gateway.identity.customers.store import CustomerRecords
from gateway.identity.keys.request import ObjectPermission
from gateway.identity.notices import Notices
from gateway.identity.organizations.store import OrganizationRecords
from gateway.identity.permissions_store import PermissionRecords
from gateway.identity.projects.store import ProjectRecords
from gateway.identity.reset_calendar import ResetCalendar
from gateway.identity.stored_values import as_object, read_moment
from gateway.identity.tags.store import TagRecords
from gateway.identity.teams.store import TeamRecords
from gateway.identity.users.store import UserRecords
from gateway.identity.values import BudgetLimitEntry

__all__ = ["Records"]


class Records:
    """The stores. Raises DatabaseUnavailable, as they do."""

    def __init__(self, database: Database, clock: Clock, calendar: ResetCalendar, audit: AuditTrail) -> None:
        self._database = database
        self.clock = clock
        self.audit = audit
        self.calendar = calendar
        self.access_groups = AccessGroupLinks(database)
        self.budgets = BudgetRecords(database)
        self.customers = CustomerRecords(database)
        self.entries = SpendEntries(database)
        self.notices = Notices(database)
        self.organizations = OrganizationRecords(database)
        self.permissions = PermissionRecords(database)
        self.projects = ProjectRecords(database)
        self.tags = TagRecords(database)
        self.teams = TeamRecords(database)
        self.users = UserRecords(database)

    def transaction(self) -> AbstractAsyncContextManager[object]:
        """All or nothing for the block, its notices included."""
        return self._database.transaction()

    def now(self) -> datetime:
        """The time, aware UTC."""
        return datetime_from_nanos(self.clock.now_nanos())

    def reset_at(self, budget_duration: str | None) -> datetime | None:
        """When a budget of this duration starts anew; never without one."""
        return None if budget_duration is None else self.calendar.next_reset(self.now(), budget_duration)

    def open_windows(
        self, entries: list[BudgetLimitEntry] | None, former: object = None
    ) -> list[dict[str, object]] | None:
        """Budget windows as they are stored, each with the time of its next reset.

        A period of the `former` windows goes on, and with it what was spent in it: another amount is no new
        period.
        """
        if not entries:
            return None
        ends = _ends_of(former, self.now())
        return [
            {
                "budget_duration": entry.budget_duration,
                "max_budget": entry.max_budget,
                "reset_at": ends.get(entry.budget_duration)
                or self.calendar.next_reset(self.now(), entry.budget_duration).isoformat(),
            }
            for entry in entries
        ]

    async def make_budget(self, values: Mapping[str, object], actor: str) -> str:
        """Make a budget row of these members; returns its id."""
        return (await self.make_budgets(values, 1, actor))[0]

    async def make_budgets(self, values: Mapping[str, object], count: int, actor: str) -> list[str]:
        """Make so many budget rows of these members; returns their ids."""
        duration = values.get("budget_duration")
        reset_at = self.reset_at(duration if isinstance(duration, str) else None)
        row = {**values, "budget_reset_at": reset_at, "created_by": actor, "updated_by": actor}
        return await self.budgets.insert_same(row, count)

    async def change_budget(self, budget_id: str, values: Mapping[str, object], actor: str) -> Columns:
        """Change members of a budget row that exists; a sent duration also sets the next reset."""
        changes = {**values, "updated_by": actor}
        if "budget_duration" in values:
            duration = values["budget_duration"]
            changes["budget_reset_at"] = self.reset_at(duration if isinstance(duration, str) else None)
        return await self.budgets.update(budget_id, changes)

    async def save_permission(
        self, caller: Principal, permission_id: str | None, permission: ObjectPermission
    ) -> str:
        """Change the sent members of an object permission row, or make one; returns its id."""
        sent = msgspec.structs.asdict(permission)
        values = {name: value for name, value in sent.items() if value is not None}
        stored = await self.permissions.lock(permission_id) if permission_id is not None else None
        if permission_id is not None and stored is not None:
            changed = await self.permissions.update(permission_id, values)
            change = updated(Audited.OBJECT_PERMISSION, permission_id, stored, changed)
            await self.audit.record(caller, change)
            return permission_id
        made = await self.permissions.insert(values) or {}
        made_id = str(made["object_permission_id"])
        await self.audit.record(caller, created(Audited.OBJECT_PERMISSION, made_id, made))
        return made_id

    async def change_permission(
        self, caller: Principal, permission_id: str | None, sent: Mapping[str, Any]
    ) -> dict[str, str | None]:
        """The change of the column `object_permission_id` when these members were sent; null ends it."""
        if "object_permission" not in sent:
            return {}
        permission = sent["object_permission"]
        if permission is not None:
            return {"object_permission_id": await self.save_permission(caller, permission_id, permission)}
        return {"object_permission_id": None}


def _ends_of(windows: object, now: datetime) -> dict[str, str]:
    """When stored windows end that go on, by their durations."""
    found: dict[str, str] = {}
    for window in cast("list[object]", windows) if isinstance(windows, list) else ():  # decoded JSON
        entry = as_object(window) or {}
        duration, reset_at = entry.get("budget_duration"), entry.get("reset_at")
        end = read_moment(reset_at)
        if isinstance(duration, str) and isinstance(reset_at, str) and end is not None and end > now:
            found[duration] = reset_at
    return found
