"""Finding a team for its administrators, and a member in its list."""

from collections.abc import Mapping
from typing import Any

from gateway.db.rows import Columns
from gateway.domain import Principal, Scope, ScopeKind
from gateway.errors import BadRequest, NotFound, PermissionDenied
from gateway.identity.records import Records
from gateway.identity.rights import Level, members_of
from gateway.identity.teams.links import team_scope
from gateway.identity.teams.member_request import MemberRef
from gateway.identity.teams.standing import find_level

__all__ = ["administered", "check_level", "find_member", "get_member", "get_team", "member_scopes"]

Entry = dict[str, Any]
"""A member as `members_with_roles` has it."""


async def get_team(records: Records, team_id: str) -> Columns:
    """The row of a team; raises NotFound, DatabaseUnavailable."""
    team = await records.teams.find(team_id)
    if team is None:
        raise NotFound(f"Team not found, passed team_id={team_id}", param="team_id")
    return team


async def administered(records: Records, caller: Principal, team_id: str, least: Level) -> Columns:
    """The row of a team, held for change, over which the caller has such rights at least.

    Raises NotFound, PermissionDenied, DatabaseUnavailable.
    """
    team = await records.teams.lock(team_id)
    if team is None:
        raise NotFound(f"Team not found, passed team_id={team_id}", param="team_id")
    await check_level(records, caller, team, least)
    return team


async def check_level(records: Records, caller: Principal, team: Mapping[str, Any], least: Level) -> None:
    """Raise PermissionDenied unless the caller has such rights over a team at least."""
    if await find_level(records, caller, team) < least:
        raise PermissionDenied("Only admins of the team can do this.", param="team_id")


def find_member(team: Mapping[str, Any], ref: MemberRef) -> Entry | None:
    """The member of this id, else of this address in whatever case."""
    email = (ref.user_email or "").strip().lower()
    for member in members_of(team):
        if ref.user_id:
            if member.get("user_id") == ref.user_id:
                return member
        elif email and str(member.get("user_email") or "").lower() == email:
            return member
    return None


async def get_member(records: Records, team: Mapping[str, Any], ref: MemberRef) -> Entry:
    """The member that a request names; one who entered by id is also found by the address of the user.

    Raises BadRequest when nobody is named, or nobody in the team.
    """
    if not ref.user_id and not ref.user_email:
        message = "user_id: Name the member, or the user_email."
        raise BadRequest(message, param="user_id", type="bad_request_error")
    found = find_member(team, ref)
    if found is None and not ref.user_id:
        for user_id in await records.users.list_with_email(ref.user_email or ""):
            found = found or find_member(team, MemberRef(user_id=user_id))
    if found is None:
        name = ref.user_id or ref.user_email
        message = f"User {name} is not in the team {team['team_id']}."
        raise BadRequest(message, param="user_id" if ref.user_id else "user_email", type="bad_request_error")
    return found


def member_scopes(team_id: str, user_ids: list[str]) -> list[Scope]:
    """What is announced when members of a team changed."""
    return [team_scope(team_id), *(Scope(ScopeKind.USER, user_id) for user_id in user_ids)]
