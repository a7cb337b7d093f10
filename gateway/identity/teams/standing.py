"""What a caller is in a team."""

from collections.abc import Mapping
from typing import Any

from gateway.domain import Principal, Role
from gateway.identity.records import Records
from gateway.identity.rights import Level, members_of

__all__ = ["default_budget_of", "find_level"]

_VIEWERS = frozenset({Role.PROXY_ADMIN_VIEWER, Role.INTERNAL_USER_VIEWER})


async def find_level(records: Records, caller: Principal, team: Mapping[str, Any]) -> Level:
    """How far the caller's rights over a team's row go; a role that only looks is a member at most.

    Raises DatabaseUnavailable.
    """
    if caller.is_admin:
        return Level.PROXY_ADMIN
    if caller.user_id is None:
        return Level.NONE
    roles = {member.get("user_id"): member.get("role") for member in members_of(team)}
    level = Level.MEMBER if caller.user_id in roles else Level.NONE
    if await records.organizations.is_administered_by(team["organization_id"], caller.user_id):
        level = Level.ORGANIZATION_ADMIN
    elif roles.get(caller.user_id) == "admin":
        level = Level.TEAM_ADMIN
    return min(level, Level.MEMBER) if caller.role in _VIEWERS else level


def default_budget_of(team: Mapping[str, Any]) -> str | None:
    """The id of the budget row of members who have none of their own."""
    metadata: Mapping[str, object] = team["metadata"] or {}
    budget_id = metadata.get("team_member_budget_id")
    return budget_id if isinstance(budget_id, str) else None
