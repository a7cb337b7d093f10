"""What one member of a team may spend there: a budget row of its own, or the one that the members share."""

from collections.abc import Mapping
from typing import Any

from gateway.db.rows import Columns
from gateway.identity.budgets.request import BUDGET_FIELDS, check_budget
from gateway.identity.faults import Faults
from gateway.identity.records import Records
from gateway.identity.teams.members_store import MembershipRecords
from gateway.identity.teams.standing import default_budget_of
from gateway.identity.values import check_members

__all__ = ["MemberBudgets", "budget_values", "show_budget"]

_COLUMNS = {
    "max_budget_in_team": "max_budget",
    "tpm_limit": "tpm_limit",
    "rpm_limit": "rpm_limit",
    "budget_duration": "budget_duration",
    "allowed_models": "allowed_models",
    "temp_budget_increase": "temp_budget_increase",
    "temp_budget_expiry": "temp_budget_expiry",
}
"""Members of a request by the columns of the budget row that they are."""


def budget_values(sent: Mapping[str, Any]) -> dict[str, Any]:
    """The sent members by the names of a budget row."""
    return {column: sent[name] for name, column in _COLUMNS.items() if name in sent}


def show_budget(row: Mapping[str, Any] | None) -> Columns:
    """The members of an answer, from a budget row; None where there is none."""
    return {name: (row or {}).get(column) for name, column in _COLUMNS.items()}


class MemberBudgets:
    """Inside the transaction that holds the team. Raises DatabaseUnavailable."""

    def __init__(self, records: Records, memberships: MembershipRecords) -> None:
        self._records = records
        self._memberships = memberships

    async def find(self, membership: Mapping[str, Any], team: Mapping[str, Any]) -> Columns | None:
        """The row that limits a member, its own or the team's."""
        budget_id = membership.get("budget_id") or default_budget_of(team)
        return None if budget_id is None else await self._records.budgets.find(budget_id)

    async def change(
        self,
        membership: Mapping[str, Any],
        team: Mapping[str, Any],
        found: Mapping[str, Any] | None,
        sent: Mapping[str, Any],
        actor: str,
    ) -> Columns | None:
        """Change what limits one member and nobody else; returns the row. `found` is what limits it now.

        Whoever shared a row until now gets one that begins with the same limits. Raises BadRequest naming
        every value that cannot be.
        """
        values = budget_values(sent)
        present = dict(found or {})
        self._check(sent, {**present, **values})
        if not values:
            return present or None
        budget_id = present.get("budget_id")
        if budget_id is not None and await self._is_own(budget_id, team):
            return await self._records.change_budget(budget_id, values, actor)
        limits = {name: present[name] for name in BUDGET_FIELDS if present.get(name) is not None}
        made = await self._records.make_budget({**limits, **values}, actor)
        await self._memberships.set_budget(membership["user_id"], team["team_id"], made)
        return await self._records.budgets.find(made)

    async def drop(self, user_id: str, team: Mapping[str, Any], budget_id: str | None) -> str | None:
        """Let the team's common row limit a member again; returns its id, None without one."""
        default = default_budget_of(team)
        await self._memberships.set_budget(user_id, team["team_id"], default)
        if budget_id not in (None, default) and not await self._records.budgets.list_owners(budget_id, 1):
            await self._records.budgets.delete(budget_id)
        return default

    async def _is_own(self, budget_id: str, team: Mapping[str, Any]) -> bool:
        if budget_id == default_budget_of(team):
            return False
        return len(await self._records.budgets.list_owners(budget_id, 2)) == 1

    def _check(self, sent: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        faults = Faults()
        check_members(faults, sent)
        check_budget(faults, after)
        faults.refuse()
