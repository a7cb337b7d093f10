"""Members of a team: who they are, their rows, and what each of them may spend in it."""

from collections.abc import Sequence
from typing import Any

from gateway.domain import Principal
from gateway.errors import BadRequest
from gateway.identity.faults import Faults
from gateway.identity.records import Records
from gateway.identity.teams.request import Member
from gateway.identity.users.arrivals import Arrivals
from gateway.identity.values import check_text

__all__ = ["Enrolment", "Entry", "check_members_named"]

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


class Enrolment:
    """Enters members into teams; inside the transaction that changes the team's row."""

    def __init__(self, records: Records, arrivals: Arrivals) -> None:
        self._records = records
        self._arrivals = arrivals

    async def resolve(self, members: Sequence[Member], caller: Principal) -> list[Entry]:
        """Find or make the user of each member, once each, and hold them until the transaction ends.

        Raises BadRequest for an address that several users have.
        """
        entries: dict[str, Entry] = {}
        for member in members:
            user_id = await self._user_of(member, caller)
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
        actor: str,
    ) -> None:
        """Make the memberships; each member gets a budget row of its own if `own` says anything."""
        for entry in sorted(entries, key=_user_of_entry):
            budget_id = await self._records.make_budget(own, actor) if own else default_budget
            await self._records.teams.enter(entry["user_id"], team_id, budget_id)
            await self._records.users.enter_team(entry["user_id"], team_id)

    async def _user_of(self, member: Member, caller: Principal) -> str:
        if member.user_id is not None:
            return await self._arrivals.ensure(member.user_id, member.user_email, caller)
        email = member.user_email or ""
        known = await self._records.users.list_with_email(email)
        if len(known) > 1:
            message = f"user_email: several users have the address {email}. Name one by user_id."
            raise BadRequest(message, param="user_email", type="bad_request_error")
        return known[0] if known else await self._arrivals.ensure(None, email, caller)


def _user_of_entry(entry: Entry) -> str:
    return entry["user_id"]
