"""Which models a team may use, for who may know it."""

from collections.abc import Mapping
from typing import cast

from gateway.domain import ModelGrant, Principal, Role
from gateway.errors import NotFound
from gateway.identity.records import Records
from gateway.identity.rights import Level
from gateway.identity.teams.links import team_scope
from gateway.identity.teams.standing import find_level

__all__ = ["TeamModels"]


class TeamModels:
    """Looks at teams' lists of models. Raises DatabaseUnavailable."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def administers(self, caller: Principal, team_id: str) -> bool:
        """Whether the caller administers a team, or its organization."""
        if caller.user_id is None:
            return False
        team = await self._records.teams.find(team_id)
        return team is not None and await find_level(self._records, caller, team) >= Level.TEAM_ADMIN

    async def administers_any(self, caller: Principal) -> bool:
        """Whether the caller administers everything, an organization, or one of the teams that it is in."""
        if caller.role in (Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER):
            return True
        if caller.user_id is None:
            return False
        if await self._records.organizations.list_administered(caller.user_id):
            return True
        return await self._records.teams.is_any_admin(caller.user_id)

    async def metadata_of(self, team_id: str) -> Mapping[str, object]:
        """The metadata of a team. Raises NotFound."""
        team = await self._records.teams.find(team_id)
        if team is None:
            raise NotFound(f"Team not found, passed team_id={team_id[:200]}.", param="team_id")
        metadata = team["metadata"]
        return cast("Mapping[str, object]", metadata) if isinstance(metadata, dict) else {}

    async def grant_of(self, caller: Principal, team_id: str) -> ModelGrant:
        """What a team may use, for its members and administrators and for who sees everything.

        Raises NotFound for a team that is not there, and for everybody else.
        """
        team = await self._records.teams.find(team_id)
        if team is not None:
            is_viewer = caller.role is Role.PROXY_ADMIN_VIEWER
            if is_viewer or await find_level(self._records, caller, team) >= Level.MEMBER:
                return ModelGrant(team_scope(team_id), frozenset(team["models"] or ()))
        raise NotFound(f"Team not found, passed team_id={team_id[:200]}.", param="team_id")
