"""A new user enters the teams that it is made for, all at once."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.audit.changes import Audited, created, updated
from gateway.db.rows import Columns
from gateway.domain import Principal, Scope, ScopeKind
from gateway.errors import NotFound, PermissionDenied
from gateway.identity.faults import Faults
from gateway.identity.records import Records
from gateway.identity.rights import actor_of, members_of, party_of
from gateway.identity.teams.enrolment import already_in_team
from gateway.identity.teams.links import team_scope
from gateway.identity.teams.permits import CHANGE_MEMBERS
from gateway.identity.teams.standing import default_budget_of, find_level
from gateway.identity.users.request import UserTeam
from gateway.identity.values import check_members

__all__ = ["TeamEntering"]


class TeamEntering:
    """Inside the transaction that has made the user. Raises DatabaseUnavailable."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def enter(self, caller: Principal, user_id: str, wanted: Sequence[UserTeam]) -> None:
        """Make the user a member of these teams, as many statements however many they are.

        Raises NotFound, PermissionDenied for a team whose members the caller does not choose, BadRequest for
        one that has the user already.
        """
        if not wanted:
            return
        _check_amounts(wanted)
        teams = await self._lock(caller, user_id, wanted)
        budgets = await self._make_budgets(caller, wanted)
        limits = {entry.team_id: _limits(entry, budgets, teams[entry.team_id]) for entry in wanted}
        entered = (
            created(Audited.TEAM_MEMBER, f"{user_id}:{team_id}", values) for team_id, values in limits.items()
        )
        await self._records.audit.record(caller, *entered)
        made = await self._records.teams.enter_all(
            user_id, {team_id: values["budget_id"] for team_id, values in limits.items()}
        )
        accounts = [f"{user_id}:{team_id}" for team_id in made]
        await self._records.entries.open_accounts(ScopeKind.TEAM_MEMBER, accounts)
        changed = await self._records.teams.set_members(
            {entry.team_id: [*members_of(teams[entry.team_id]), _entry(user_id, entry)] for entry in wanted}
        )
        await self._records.users.enter_teams(user_id, [entry.team_id for entry in wanted])
        changes = (updated(Audited.TEAM, row["team_id"], teams[row["team_id"]], row) for row in changed)
        await self._records.audit.record(caller, *changes)
        scopes = [*map(team_scope, teams), Scope(ScopeKind.USER, user_id)]
        await self._records.notices.announce_many(scopes)

    async def _lock(
        self, caller: Principal, user_id: str, wanted: Sequence[UserTeam]
    ) -> Mapping[str, Columns]:
        rows = await self._records.teams.lock_any([entry.team_id for entry in wanted])
        teams = {row["team_id"]: row for row in rows}
        named: set[str] = set()
        for entry in wanted:
            team = teams.get(entry.team_id)
            if team is None:
                raise NotFound(f"Team not found, passed team_id={entry.team_id}", param="team_id")
            if not CHANGE_MEMBERS.admits(party_of(await find_level(self._records, caller, team))):
                raise PermissionDenied("Only admins of the team can add members.", param="team_id")
            if entry.team_id in named or user_id in {member.get("user_id") for member in members_of(team)}:
                raise already_in_team(user_id)
            named.add(entry.team_id)
        return teams

    async def _make_budgets(self, caller: Principal, wanted: Sequence[UserTeam]) -> Mapping[str, str]:
        """Budget rows of their own for members who get one, by team."""
        amounts: dict[float, list[str]] = {}
        for entry in wanted:
            if entry.max_budget_in_team is not None:
                amounts.setdefault(entry.max_budget_in_team, []).append(entry.team_id)
        made: dict[str, str] = {}
        for amount, teams in amounts.items():
            rows = await self._records.make_budgets({"max_budget": amount}, len(teams), actor_of(caller))
            made |= zip(teams, rows, strict=True)
        return made


def _check_amounts(wanted: Sequence[UserTeam]) -> None:
    faults = Faults()
    for entry in wanted:
        check_members(faults, {"max_budget_in_team": entry.max_budget_in_team})
    faults.refuse()


def _limits(entry: UserTeam, budgets: Mapping[str, str], team: Mapping[str, Any]) -> Columns:
    """What limits the member, as the audit tells it."""
    if entry.max_budget_in_team is None:
        return {"budget_id": default_budget_of(team)}
    return {"max_budget": entry.max_budget_in_team, "budget_id": budgets[entry.team_id]}


def _entry(user_id: str, entry: UserTeam) -> dict[str, Any]:
    return {"user_id": user_id, "user_email": None, "role": entry.user_role}
