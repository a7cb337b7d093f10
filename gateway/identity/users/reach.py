"""Whether an organization's administrator may act on users as on its own."""

from gateway.domain import Principal
from gateway.errors import PermissionDenied
from gateway.identity.records import Records
from gateway.identity.rights import refuse_role
from gateway.identity.teams.removal_store import TeamRemovals
from gateway.identity.users.removal_store import UserRemovals

__all__ = ["UserReach"]

_INTERNAL_ROLES = frozenset({None, "internal_user", "internal_user_viewer"})


class UserReach:
    """Users whose organizations and teams somebody administers all. Raises DatabaseUnavailable."""

    def __init__(self, records: Records, teams: TeamRemovals, users: UserRemovals) -> None:
        self._records = records
        self._teams = teams
        self._users = users

    async def check(self, caller: Principal, user_ids: list[str], route: str, path: str) -> None:
        """Raise unless the caller is a proxy_admin, or everything that these users are in is the caller's.

        AuthenticationFailed for who administers nothing, else PermissionDenied naming the member `path`; so
        for users who are not there.
        """
        if caller.is_admin:
            return
        administered = set(await self._records.organizations.list_administered(caller.user_id))
        if not administered:
            raise refuse_role(caller, route)
        organizations = await self._users.list_organizations(user_ids)
        teams = await self._teams.list_teams(user_ids)
        foreign = await self._users.list_team_organizations(teams) - administered
        if foreign or any(not found or found - administered for found in organizations.values()):
            message = "These are not only users of your organizations and their teams."
            raise PermissionDenied(message, param=path)
        users = await self._records.users.find_any(user_ids)
        if any(user["user_role"] not in _INTERNAL_ROLES for user in users):
            raise PermissionDenied("That is a proxy admin's to do to administrators.", param=path)
