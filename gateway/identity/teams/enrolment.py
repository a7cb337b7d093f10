"""Members of a team: who they are, their rows, and what each of them may spend in it."""

from collections.abc import Sequence
from typing import Any

from gateway.audit.changes import Audited, created
from gateway.domain import Principal, ScopeKind
from gateway.errors import BadRequest
from gateway.identity.faults import Faults
from gateway.identity.records import Records
from gateway.identity.rights import actor_of
from gateway.identity.teams.request import Member
from gateway.identity.users.arrivals import Arrivals
from gateway.identity.values import check_text

__all__ = ["Enrolment", "Entry", "already_in_team", "check_members_named"]

Entry = dict[str, Any]
"""A member as `members_with_roles` has it: `user_id`, `user_email`, `role`."""

_MOST_MEMBERS = 500


def check_members_named(faults: Faults, path: str, members: Sequence[Member]) -> None:
    """Note members whom nothing names, and too many at once."""
    if len(members) > _MOST_MEMBERS:
        faults.add(path, f"can have at most {_MOST_MEMBERS} entries. Received: {len(members)}")
        return
    for index, member in enumerate(members):
        name = member.user_id if member.user_id is not None else member.user_email
        if name is None:
            faults.add(f"{path}[{index}]", "needs a user_id or a user_email.")
        else:
            check_text(faults, f"{path}[{index}]", name)


def already_in_team(name: str) -> BadRequest:
    """The refusal of somebody who is in the team."""
    message = f"User {name} is already in the team. Add the others."
    return BadRequest(message, param="member", type="team_member_already_in_team")


class Enrolment:
    """Enters members into teams; inside the transaction that changes the team's row."""

    def __init__(self, records: Records, arrivals: Arrivals) -> None:
        self._records = records
        self._arrivals = arrivals

    async def resolve(self, members: Sequence[Member], caller: Principal) -> list[Entry]:
        """Find or make the user of each member, once each, and hold them until the transaction ends.

        Raises BadRequest for an address that several users have.
        """
        users = await self._arrivals.resolve(members, caller)
        entries: dict[str, Entry] = {}
        for user_id, member in zip(users, members, strict=True):
            entries.setdefault(
                user_id, {"user_id": user_id, "user_email": member.user_email, "role": member.role}
            )
        await self._records.users.lock_all(list(entries))
        return list(entries.values())

    async def enter(
        self,
        team_id: str,
        entries: Sequence[Entry],
        default_budget: str | None,
        own: dict[str, Any],
        caller: Principal,
    ) -> None:
        """Make the memberships; each member gets a budget row of its own if `own` says anything."""
        users = [entry["user_id"] for entry in entries]
        if not users:
            return
        budgets = [default_budget] * len(users)
        if own:
            budgets = [*await self._records.make_budgets(own, len(users), actor_of(caller))]
        entered = (
            created(Audited.TEAM_MEMBER, f"{user_id}:{team_id}", {**own, "budget_id": budget_id})
            for user_id, budget_id in zip(users, budgets, strict=True)
        )
        await self._records.audit.record(caller, *entered)
        made = await self._records.teams.enter(team_id, dict(zip(users, budgets, strict=True)))
        await self._records.entries.open_accounts(
            ScopeKind.TEAM_MEMBER, [f"{user_id}:{team_id}" for user_id in made]
        )
        await self._records.users.enter_team(users, team_id)
