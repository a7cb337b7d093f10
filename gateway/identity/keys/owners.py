"""Whose a new key will be: its user, team, project and organization, and whether the caller may say so."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from gateway.domain import Principal
from gateway.errors import AuthenticationFailed, NotFound, PermissionDenied
from gateway.identity.access_groups_store import AccessGroupLinks
from gateway.identity.keys.request import GenerateKeyRequest
from gateway.identity.keys.rules import Covers, UserBounds, check_fields, restrict_to_caller
from gateway.identity.keys.store import KeyRecords, TeamStanding
from gateway.identity.keys.values import refuse
from gateway.identity.master import MASTER_USER_ID

__all__ = ["KeyOwners", "not_permitted"]

_GENERATE = "/key/generate"
_SERVICE_ACCOUNT = "/key/service-account/generate"


class KeyOwners:
    """Settles the owners of a new key, and holds callers who are not administrators to their own rights."""

    def __init__(self, records: KeyRecords, groups: AccessGroupLinks, covers: Covers) -> None:
        self._records = records
        self._groups = groups
        self._covers = covers

    async def settle(self, caller: Principal, request: GenerateKeyRequest) -> GenerateKeyRequest:
        """Return the request with its owners and inherited limits filled in.

        Raises BadRequest for an unknown organization, budget or access group (and team, unless for an
        administrator), NotFound for an unknown project, PermissionDenied or AuthenticationFailed for what
        belongs to others.
        """
        if caller.is_admin:
            await self._check_references(request)
            return request
        check_fields(request)
        request = await self._settle_user(caller, request)
        bounds = UserBounds()
        if request.team_id is None and request.user_id is not None:
            bounds = await self._records.find_user_bounds(request.user_id)
        return restrict_to_caller(caller, bounds, request, self._covers)

    async def settle_service_account(
        self, caller: Principal, request: GenerateKeyRequest
    ) -> GenerateKeyRequest:
        """Return the request of a key without a user, marked as such; raises as `settle`."""
        if not request.team_id:
            raise refuse("team_id", "A service account needs the team that it belongs to.")
        standing = await self._records.find_team_standing(request.team_id, caller.user_id)
        if standing is None:
            raise refuse("team_id", f"Unable to find team object in database. Team ID: {request.team_id}")
        if caller.is_admin:
            await self._check_references(request)
        else:
            check_fields(request)
            _check_may_make(standing, caller, request.team_id, _SERVICE_ACCOUNT)
            request = restrict_to_caller(caller, UserBounds(), request, self._covers)
        marked = {**(request.metadata or {}), "service_account_id": request.key_alias}
        return msgspec.structs.replace(request, metadata=marked)

    async def check_may_act_for(self, caller: Principal, user_id: str | None) -> None:
        """Raise PermissionDenied when a key of this user would open more than the caller has.

        Whoever knows a key's secret acts as its user, and administrators of a team are shown secrets.
        """
        if caller.is_admin or user_id is None or user_id == caller.user_id:
            return
        if user_id == MASTER_USER_ID or await self._records.administers_more(user_id, caller.user_id):
            raise PermissionDenied(
                "That user administers more than you do: only proxy admins make or rotate such keys.",
                param="user_id",
            )

    async def administers(self, caller: Principal, row: Mapping[str, Any]) -> bool:
        """Whether the caller administers the team of a key's row, or the organization of either."""
        if caller.user_id is None:
            return False
        if (await self.standing_in(row["team_id"], caller)).is_admin:
            return True
        return await self.administers_organization(caller, row)

    async def administers_organization(self, caller: Principal, row: Mapping[str, Any]) -> bool:
        """Whether the caller administers the organization that a key's row names."""
        organization_id = row["organization_id"]
        if caller.user_id is None or organization_id is None:
            return False
        return await self._records.is_organization_admin(organization_id, caller.user_id)

    async def administers_all(self, caller: Principal, rows: Iterable[Mapping[str, Any]]) -> bool:
        """Whether `administers` holds for each of these rows; asked in one statement."""
        listed = list(rows)
        if caller.user_id is None:
            return not listed
        teams = {row["team_id"] for row in listed if row["team_id"] is not None}
        organizations = {row["organization_id"] for row in listed if row["organization_id"] is not None}
        administered = await self._records.list_administered(caller.user_id, teams, organizations)
        return all(
            ("team", row["team_id"]) in administered
            or ("organization", row["organization_id"]) in administered
            for row in listed
        )

    async def standing_in(self, team_id: str | None, caller: Principal) -> TeamStanding:
        """What the caller is in a team; nothing in one that does not exist."""
        if team_id is None:
            return TeamStanding()
        return await self._records.find_team_standing(team_id, caller.user_id) or TeamStanding()

    async def _settle_user(self, caller: Principal, request: GenerateKeyRequest) -> GenerateKeyRequest:
        """A caller makes keys for itself; an admin of the team for the team's members too."""
        if caller.user_id is None:
            raise PermissionDenied("A key without a user cannot make keys.", param="user_id")
        user_id = request.user_id or caller.user_id
        if request.team_id is None:
            allowed = frozenset({caller.user_id})
        else:
            allowed = await self._users_in_team(caller, request.team_id)
        if user_id not in allowed:
            raise PermissionDenied("You can only make keys for yourself.", param="user_id")
        await self.check_may_act_for(caller, user_id)
        return msgspec.structs.replace(request, user_id=user_id)

    async def _users_in_team(self, caller: Principal, team_id: str) -> frozenset[str]:
        """For which users the caller may make keys of a team."""
        itself = frozenset({caller.user_id or ""})
        standing = await self._records.find_team_standing(team_id, caller.user_id)
        if standing is None:
            raise refuse("team_id", f"Unable to find team object in database. Team ID: {team_id}")
        _check_may_make(standing, caller, team_id, _GENERATE)
        return standing.members | itself if standing.is_admin else itself

    async def _check_references(self, request: GenerateKeyRequest) -> None:
        """What a database constraint would refuse, refused with the member's name."""
        organization, budget, project = request.organization_id, request.budget_id, request.project_id
        if request.team_id is not None:
            await self._records.hold_team(request.team_id)
        if organization is not None and not await self._records.has_organization(organization):
            raise refuse("organization_id", f"Organization not found. Organization ID: {organization}")
        if budget is not None and not await self._records.has_budget(budget):
            raise refuse("budget_id", f"Budget not found. Budget ID: {budget}")
        offered = request.end_user_budget_id
        if offered is not None and not await self._records.has_budget(offered):
            raise refuse("end_user_budget_id", f"Budget not found. Budget ID: {offered}")
        for group in await self._groups.list_unknown(request.access_group_ids or []):
            raise refuse("access_group_ids", f"Access group not found. Access group ID: {group}")
        if project is None:
            return
        team = await self._records.find_project_team(project)
        if team is None:
            raise NotFound(f"Project not found. Project ID: {project}", param="project_id")
        if team[0] is not None and request.team_id not in (None, team[0]):
            raise refuse("project_id", f"Project {project} belongs to another team.")


def _check_may_make(standing: TeamStanding, caller: Principal, team_id: str, route: str) -> None:
    """Raise unless the caller administers the team, or is a member who may call the route for its keys."""
    if standing.is_admin:
        return
    if not standing.is_member:
        raise refuse("team_id", f"User={caller.user_id} not assigned to team={team_id}.")
    if route not in standing.permissions:
        raise not_permitted(route)


def not_permitted(route: str) -> AuthenticationFailed:
    """The refusal of a route that the team's administrators have not opened to its members."""
    return AuthenticationFailed(
        f"Authentication Error, Team member does not have permissions for endpoint: {route}. "
        "A team admin can give them.",
        param=route,
        type="team_member_permission_error",
    )
