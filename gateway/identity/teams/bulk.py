"""Changes of many members of a team, with a result for each."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.db.entities import GATEWAY_USER_ID
from gateway.db.rows import Columns
from gateway.domain import Principal
from gateway.errors import BadRequest, DatabaseUnavailable, GatewayError
from gateway.identity.faults import Faults
from gateway.identity.named_ids import MOST_NAMED
from gateway.identity.records import Records
from gateway.identity.rights import Level, refuse_field
from gateway.identity.teams.enrolment import check_members_named
from gateway.identity.teams.member_request import BulkAddMembersRequest, MemberRef
from gateway.identity.teams.members import TeamMembers
from gateway.identity.teams.permits import ADD_MANY_MEMBERS
from gateway.identity.teams.request import AddMembersRequest, Member
from gateway.identity.teams.response import TeamView
from gateway.identity.teams.roster import check_level, find_member, get_team
from gateway.identity.teams.service import TeamService
from gateway.permits.terms import Party

__all__ = ["BulkMembers"]


class BulkMembers:
    """Adds and changes members on behalf of a caller, at most 500 at once.

    Raises NotFound for an unknown team, PermissionDenied, BadRequest for none or too many, and
    DatabaseUnavailable.
    """

    def __init__(self, records: Records, teams: TeamService, members: TeamMembers) -> None:
        self._records = records
        self._teams = teams
        self._members = members
        self._view = TeamView(records)

    async def add(self, caller: Principal, request: BulkAddMembersRequest) -> Columns:
        """Add those who can be added, in one transaction; says of the others why not."""
        async with self._records.transaction():
            team = await get_team(self._records, request.team_id)
            await check_level(self._records, caller, team, Level.ORGANIZATION_ADMIN)
            _check_fields(caller, request)
            members = await self._wanted(request)
            errors = await self._errors(team, members)
            adding = [member for member, error in zip(members, errors, strict=True) if error is None]
            updated = await self._view.row(team)
            if adding:
                updated = await self._teams.add_members(
                    caller,
                    AddMembersRequest(
                        team_id=request.team_id, member=adding, max_budget_in_team=request.max_budget_in_team
                    ),
                )
        results = [_result(updated, member, error) for member, error in zip(members, errors, strict=True)]
        return {
            "team_id": request.team_id,
            "results": results,
            "total_requested": len(results),
            "successful_additions": len(adding),
            "failed_additions": len(results) - len(adding),
            "updated_team": updated,
        }

    async def update(
        self, caller: Principal, team_id: str, changes: Sequence[tuple[MemberRef, Mapping[str, Any]]]
    ) -> list[Columns]:
        """Change members, each by itself; says of each what became of it."""
        _check_number(len(changes))
        team = await get_team(self._records, team_id)
        await check_level(self._records, caller, team, Level.TEAM_ADMIN)
        return [await self._update(caller, team_id, ref, sent) for ref, sent in changes]

    async def _update(
        self, caller: Principal, team_id: str, ref: MemberRef, sent: Mapping[str, Any]
    ) -> Columns:
        try:
            changed = await self._members.update(caller, team_id, ref, sent)
        except DatabaseUnavailable:
            raise
        except GatewayError as error:
            names = {"user_id": ref.user_id, "user_email": ref.user_email}
            return {**names, "success": False, "error": error.message}
        return {**changed, "success": True, "error": None}

    async def _wanted(self, request: BulkAddMembersRequest) -> list[Member]:
        faults = Faults()
        if bool(request.all_users) == (request.members is not None):
            faults.add("members", "send either members, or all_users.")
        faults.refuse()
        members = request.members
        if members is None:
            users = await self._records.users.list_first(MOST_NAMED + 2)
            members = [
                Member(user_id=user["user_id"], user_email=user["user_email"])
                for user in users
                if user["user_id"] != GATEWAY_USER_ID
            ]
        _check_number(len(members))
        check_members_named(faults, "members", members)
        faults.refuse()
        return members

    async def _errors(self, team: Mapping[str, Any], members: Sequence[Member]) -> list[str | None]:
        """Why each cannot be added; None for who can."""
        addresses = [member.user_email for member in members if member.user_email and not member.user_id]
        owners = await self._records.users.find_by_email(addresses)
        return [_error_of(team, member, owners) for member in members]


def _error_of(team: Mapping[str, Any], member: Member, owners: Mapping[str, list[str]]) -> str | None:
    ids = [member.user_id] if member.user_id else owners.get((member.user_email or "").strip().lower(), [])
    if len(ids) > 1:
        return "Several users have this address. Name one by user_id."
    refs = [MemberRef(user_id=user_id) for user_id in ids] or [MemberRef(user_email=member.user_email)]
    if any(find_member(team, ref) is not None for ref in refs):
        return "The user is already in the team."
    return None


def _result(team: Mapping[str, Any], member: Member, error: str | None) -> Columns:
    found = find_member(team, MemberRef(user_id=member.user_id, user_email=member.user_email)) or {}
    return {
        "user_id": member.user_id or found.get("user_id"),
        "user_email": member.user_email,
        "success": error is None,
        "error": error,
    }


def _check_fields(caller: Principal, request: BulkAddMembersRequest) -> None:
    party = Party.PROXY_ADMIN if caller.is_admin else Party.ORGANIZATION_ADMIN
    given = [name for name, value in msgspec.structs.asdict(request).items() if value not in (None, False)]
    refused = ADD_MANY_MEMBERS.first_refused(party, given)
    if refused is not None:
        raise refuse_field(refused, "team", "Only proxy admins name everybody.")


def _check_number(count: int) -> None:
    if not 1 <= count <= MOST_NAMED:
        message = f"members: must have between 1 and {MOST_NAMED} entries. Received: {count}"
        raise BadRequest(message, param="members", type="bad_request_error")
