"""Members who leave a team: their memberships end and their keys in the team are deleted."""

from collections.abc import Sequence
from typing import Any

from gateway.audit.changes import Audited, deleted, updated
from gateway.db.rows import Columns
from gateway.domain import Principal
from gateway.errors import BadRequest
from gateway.identity.deletions import build_deletion
from gateway.identity.faults import Faults
from gateway.identity.keys.archive_store import KeyArchive
from gateway.identity.named_ids import MOST_NAMED
from gateway.identity.records import Records
from gateway.identity.rights import Level, members_of
from gateway.identity.teams.member_request import MemberRef
from gateway.identity.teams.removal_store import TeamRemovals
from gateway.identity.teams.response import TeamView
from gateway.identity.teams.roster import (
    administered,
    check_level,
    find_member,
    get_member,
    get_team,
    member_scopes,
)

__all__ = ["TeamLeaving"]


class TeamLeaving:
    """Takes members out of teams on behalf of a caller, in one transaction that announces itself.

    Raises NotFound for an unknown team, PermissionDenied for who does not administer it, DatabaseUnavailable.
    """

    def __init__(self, records: Records, keys: KeyArchive, teams: TeamRemovals) -> None:
        self._records = records
        self._keys = keys
        self._teams = teams
        self._view = TeamView(records)

    async def remove(self, caller: Principal, team_id: str, ref: MemberRef) -> Columns:
        """Take one member out; returns the row of the team. Raises BadRequest for who is not in it."""
        async with self._records.transaction():
            team = await get_team(self._records, team_id)
            await check_level(self._records, caller, team, Level.TEAM_ADMIN)
            member = await get_member(self._records, team, ref)
            return await self._view.row(await self._leave(caller, team_id, [member]))

    async def remove_many(self, caller: Principal, team_id: str, refs: Sequence[MemberRef]) -> list[Columns]:
        """Take members out who are in it, at most 500; says of each whether it was.

        Raises BadRequest for none or too many.
        """
        faults = Faults()
        if not 1 <= len(refs) <= MOST_NAMED:
            faults.add("members", f"must have between 1 and {MOST_NAMED} entries. Received: {len(refs)}")
        faults.refuse()
        async with self._records.transaction():
            team = await get_team(self._records, team_id)
            await check_level(self._records, caller, team, Level.TEAM_ADMIN)
            found = [find_member(team, ref) for ref in refs]
            leaving = [member for member in found if member is not None]
            if leaving:
                await self._leave(caller, team_id, leaving)
        return [_outcome(ref, member is not None) for ref, member in zip(refs, found, strict=True)]

    async def _leave(self, caller: Principal, team_id: str, members: Sequence[dict[str, Any]]) -> Columns:
        users = sorted({str(member["user_id"]) for member in members if member.get("user_id")})
        tokens = await self._keys.lock_of_members(users, team_id)
        await self._records.users.lock_all(users)
        team = await administered(self._records, caller, team_id, Level.TEAM_ADMIN)
        present = members_of(team)
        staying = [
            member for member in present if member.get("user_id") not in users and member not in members
        ]
        if len(staying) == len(present):
            message = "The members left the team meanwhile."
            raise BadRequest(message, param="user_id", type="bad_request_error")
        tokens = sorted({*tokens, *await self._keys.lock_of_members(users, team_id)})
        keys = await self._keys.archive(tokens, build_deletion(caller, self._records.now()))
        await self._teams.leave(users, [team_id])
        changed = await self._records.teams.update(team_id, {"members_with_roles": staying})
        await self._records.audit.record(
            caller,
            updated(Audited.TEAM, team_id, team, changed),
            *(deleted(Audited.KEY, key["token"], key) for key in keys),
        )
        await self._records.notices.announce_many(member_scopes(team_id, users))
        return changed


def _outcome(ref: MemberRef, was_member: bool) -> Columns:  # noqa: FBT001  the name says it
    error = None if was_member else "The user is not in the team."
    return {"user_id": ref.user_id, "user_email": ref.user_email, "success": was_member, "error": error}
