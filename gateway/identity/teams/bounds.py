"""Whether a team's values make sense, and keep within what stands above it."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.domain import Principal
from gateway.identity.budgets.request import check_budget
from gateway.identity.faults import Faults
from gateway.identity.keys.rules import DASHBOARD_TEAM, Covers
from gateway.identity.records import Records
from gateway.identity.teams.enrolment import check_members_named
from gateway.identity.teams.request import Member
from gateway.identity.teams.rules import check_within
from gateway.identity.values import check_members

__all__ = ["TeamBounds"]


class TeamBounds:
    """Raises BadRequest naming every fault, and DatabaseUnavailable."""

    def __init__(self, records: Records, covers: Covers) -> None:
        self._records = records
        self._covers = covers

    async def check_new(self, caller: Principal, sent: Mapping[str, Any], members: Sequence[Member]) -> None:
        """Hold a new team to sense, to its organization, and to its maker's own limits."""
        faults = Faults()
        check_members_named(faults, "members_with_roles", members)
        if sent.get("team_id") == DASHBOARD_TEAM:
            faults.add("team_id", f"'{DASHBOARD_TEAM}' is the gateway's own.")
        if not caller.is_admin and caller.user_id is not None:
            user = await self._records.users.find(caller.user_id)
            check_within(faults, "user who makes the team", user or {}, sent, self._covers)
        await self._check(faults, sent, sent)
        faults.refuse()

    async def check_change(self, sent: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Hold what was sent, and what the team will be, to sense and to its organization."""
        faults = Faults()
        await self._check(faults, sent, after)
        faults.refuse()

    async def _check(self, faults: Faults, sent: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        # An empty organization is none, and no id that is too short.
        check_members(faults, {name: value for name, value in sent.items() if (name, value) != _NO_OWNER})
        check_budget(faults, {name: after.get(name) for name in ("soft_budget", "max_budget")})
        for group in await self._records.access_groups.list_unknown(sent.get("access_group_ids") or []):
            faults.add("access_group_ids", f"Access group not found. Access group ID: {group}")
        organization_id = after.get("organization_id")
        if organization_id:
            await self._check_organization(faults, organization_id, after)

    async def _check_organization(
        self, faults: Faults, organization_id: str, after: Mapping[str, Any]
    ) -> None:
        organization = None
        if await self._records.organizations.hold(organization_id):
            organization = await self._records.organizations.find(organization_id)
        if organization is None:
            faults.add("organization_id", f"Organization not found. Organization ID: {organization_id}")
            return
        budget = await self._records.budgets.find(organization["budget_id"]) or {}
        bounds = {**budget, "models": organization["models"]}
        check_within(faults, "organization", bounds, after, self._covers)


_NO_OWNER = ("organization_id", "")
