"""What changes for one member of a team, and what a member sees of itself."""

from collections.abc import Mapping
from typing import Any

from gateway.audit.changes import Audited, updated
from gateway.db.rows import Columns
from gateway.domain import Principal, ScopeKind
from gateway.errors import NotFound
from gateway.identity.records import Records
from gateway.identity.rights import Level, actor_of, members_of
from gateway.identity.teams.member_budgets import MemberBudgets, show_budget
from gateway.identity.teams.member_request import MemberRef
from gateway.identity.teams.members_store import MembershipRecords
from gateway.identity.teams.response import source_of
from gateway.identity.teams.roster import (
    administered,
    check_level,
    find_member,
    get_member,
    get_team,
    member_scopes,
)
from gateway.identity.teams.standing import default_budget_of

__all__ = ["TeamMembers"]


class TeamMembers:
    """Changes members on behalf of who administers the team; each change is one transaction.

    All methods raise NotFound for an unknown team, PermissionDenied for who does not administer it,
    BadRequest for values that cannot be and for who is not in the team, and DatabaseUnavailable.
    """

    def __init__(self, records: Records, memberships: MembershipRecords) -> None:
        self._records = records
        self._memberships = memberships
        self._budgets = MemberBudgets(records, memberships)

    async def update(
        self, caller: Principal, team_id: str, ref: MemberRef, sent: Mapping[str, Any]
    ) -> Columns:
        """Change the role and the limits of a member, null clearing a limit; returns its limits."""
        async with self._records.transaction():
            team = await administered(self._records, caller, team_id, Level.TEAM_ADMIN)
            member = await get_member(self._records, team, ref)
            return await self._change(caller, team, member, sent)

    async def check_administered(self, caller: Principal, team_id: str) -> None:
        """Raise unless the caller may change members of a team; their spend is changed by the books."""
        team = await get_team(self._records, team_id)
        await check_level(self._records, caller, team, Level.TEAM_ADMIN)

    async def reset_budget(self, caller: Principal, team_id: str, user_id: str) -> Columns:
        """Let the budget that the team's members share limit a member, in place of one of its own."""
        async with self._records.transaction():
            team = await administered(self._records, caller, team_id, Level.TEAM_ADMIN)
            membership = await self._lock(team, user_id)
            budget_id = await self._budgets.drop(user_id, team, membership["budget_id"])
            changed = updated(
                Audited.TEAM_MEMBER,
                f"{user_id}:{team_id}",
                membership,
                {**membership, "budget_id": budget_id},
            )
            await self._records.audit.record(caller, changed)
            await self._records.notices.announce(member_scopes(team_id, [user_id]))
        return {
            "team_id": team_id,
            "user_id": user_id,
            "budget_id": budget_id,
            "previous_budget_id": membership["budget_id"],
            "budget_source": source_of(budget_id, default_budget_of(team)),
        }

    async def own(self, caller: Principal, team_id: str) -> Columns:
        """What the caller is and has spent in a team; others learn nothing, not even whether it is there."""
        team = await self._records.teams.find(team_id)
        member = find_member(team, MemberRef(user_id=caller.user_id)) if team and caller.user_id else None
        if team is None or member is None:
            raise NotFound(f"You are in no team {team_id}.", param="team_id")
        user_id = str(member["user_id"])
        membership = await self._memberships.find(user_id, team_id) or {}
        user = await self._records.users.find(user_id) or {}
        return {
            "user_id": user_id,
            "team_id": team_id,
            "budget_id": membership.get("budget_id"),
            "spend": membership.get("spend", 0.0),
            "total_spend": membership.get("total_spend", 0.0),
            "litellm_budget_table": await self._budgets.find(membership, team),
            "role": member.get("role"),
            "user_email": member.get("user_email") or user.get("user_email"),
            "team_alias": team["team_alias"],
        }

    async def _change(
        self, caller: Principal, team: Mapping[str, Any], member: Mapping[str, Any], sent: Mapping[str, Any]
    ) -> Columns:
        team_id, user_id = team["team_id"], member.get("user_id")
        before: Columns | None = None
        budget: Columns | None = None
        if user_id is not None:
            membership = await self._lock(team, user_id)
            before = await self._budgets.find(membership, team)
            budget = await self._budgets.change(membership, team, before, sent, actor_of(caller))
        role = sent.get("role") or member.get("role")
        if role != member.get("role"):
            changed = [{**entry, "role": role} if entry == member else entry for entry in members_of(team)]
            await self._records.teams.update(team_id, {"members_with_roles": changed})
        await self._records.notices.announce(member_scopes(team_id, [user_id] if user_id else []))
        was = {"role": member.get("role"), **show_budget(before)}
        now = {"role": role, **show_budget(budget)}
        name = f"{user_id or member.get('user_email')}:{team_id}"
        await self._records.audit.record(caller, updated(Audited.TEAM_MEMBER, name, was, now))
        return {
            "team_id": team_id,
            "user_id": user_id,
            "user_email": member.get("user_email"),
            **now,
        }

    async def _lock(self, team: Mapping[str, Any], user_id: str) -> Columns:
        """The membership of somebody in the team, made where an older release has made none."""
        await get_member(self._records, team, MemberRef(user_id=user_id))
        team_id = team["team_id"]
        found = await self._memberships.lock(user_id, team_id)
        if found is None:
            await self._records.teams.enter(team_id, {user_id: default_budget_of(team)})
            scope_id = f"{user_id}:{team_id}"
            await self._records.entries.open_accounts(ScopeKind.TEAM_MEMBER, [scope_id])
            found = await self._memberships.lock(user_id, team_id)
        return found or {}
