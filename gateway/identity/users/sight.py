"""Which users a caller may see beside itself."""

from gateway.db.conditions import Conditions
from gateway.domain import Principal, Role
from gateway.errors import PermissionDenied
from gateway.identity.records import Records
from gateway.identity.rights import Level
from gateway.identity.teams.standing import find_level
from gateway.identity.users.listing_store import IN_ORGANIZATIONS, IN_TEAM, UserListing

__all__ = ["UserSight"]

_SEE_ALL = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})


class UserSight:
    """A proxy_admin and a proxy_admin_viewer see everybody, others whom they administer.

    Raises DatabaseUnavailable.
    """

    def __init__(self, records: Records, listing: UserListing) -> None:
        self._records = records
        self._listing = listing

    async def organizations(self, caller: Principal) -> list[str] | None:
        """The organizations whose users the caller sees; None means everybody.

        Raises PermissionDenied for who administers none.
        """
        if caller.role in _SEE_ALL:
            return None
        found = await self._records.organizations.list_administered(caller.user_id)
        if not found:
            message = "Only proxy admins and admins of organizations list users."
            raise PermissionDenied(message, param="user_id")
        return found

    async def restrict(self, caller: Principal, conditions: Conditions, team_id: str | None) -> None:
        """Leave only whom the caller may see; a named team's administrators see its members."""
        conditions.add_given(IN_TEAM, team_id)
        if caller.role in _SEE_ALL:
            return
        team = await self._records.teams.find(team_id) if team_id else None
        if team is not None and await find_level(self._records, caller, team) >= Level.TEAM_ADMIN:
            return
        conditions.add_given(IN_ORGANIZATIONS, await self.organizations(caller))

    async def sees(self, caller: Principal, user_id: str) -> bool:
        """Whether the caller may see a user: itself, or a user of an organization that it administers."""
        if caller.role in _SEE_ALL or (caller.user_id is not None and caller.user_id == user_id):
            return True
        administered = await self._records.organizations.list_administered(caller.user_id)
        if not administered:
            return False
        return not set(administered).isdisjoint(await self._listing.list_organizations(user_id))
