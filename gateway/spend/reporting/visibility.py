"""Whose figures a caller may see: administrators everybody's, others their own and what they administer."""

from collections.abc import Sequence

import msgspec

from gateway.domain import Principal, Role
from gateway.errors import AuthenticationFailed, NotFound, PermissionDenied
from gateway.spend.reporting.visibility_store import VisibilityStore

__all__ = ["Sight", "Visibility", "own_user", "sees_everything"]

_SEE_ALL = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})


def sees_everything(caller: Principal) -> bool:
    """Whether nothing is hidden from the caller."""
    return caller.role in _SEE_ALL


def own_user(caller: Principal) -> str | None:
    """Whose figures alone the caller sees: None for who sees everything.

    Raises PermissionDenied for a caller with a role and without a user, such as a token may stand for.
    """
    if sees_everything(caller):
        return None
    if not caller.user_id:
        raise PermissionDenied("These are figures of users, and the caller is none.")
    return caller.user_id


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What a question is narrowed down to: entities, the keys of a user, one key; None narrows nothing."""

    entities: tuple[str, ...] | None = None
    keys_of: str | None = None
    key: str | None = None


class Visibility:
    """Narrows questions down to what the caller may see. Raises DatabaseUnavailable."""

    def __init__(self, store: VisibilityStore) -> None:
        self._store = store

    async def of_entities(self, kind: str, caller: Principal, asked: Sequence[str] | None) -> Sight:
        """What a caller sees of the daily figures of a kind.

        Raises NotFound for a team that the caller is not in, PermissionDenied for an organization that it
        does not administer, AuthenticationFailed for customers.
        """
        wanted = None if asked is None else tuple(asked)
        if sees_everything(caller):
            return Sight(entities=wanted)
        if kind == "customer":
            raise AuthenticationFailed("Only administrators see the use of customers.")
        if caller.role is None or not caller.user_id:
            return Sight(key=caller.token_hash, entities=wanted if kind != "user" else None)
        if kind == "user":
            return Sight(entities=(caller.user_id,))
        if kind == "team":
            return await self._of_teams(caller.user_id, wanted)
        if kind == "organization":
            return await self._of_organizations(caller.user_id, wanted)
        return Sight(entities=wanted, keys_of=caller.user_id)

    async def administers_teams(self, caller: Principal, teams: Sequence[str]) -> bool:
        """Whether the caller administers all of these teams; false for a caller without a user."""
        if not caller.user_id:
            return False
        return set(teams) <= (await self._store.load_teams(caller.user_id)).administers

    async def administers_organization(self, caller: Principal, organization_id: str) -> bool:
        """Whether the caller administers an organization."""
        return bool(caller.user_id) and organization_id in await self._store.list_organizations(
            caller.user_id
        )

    async def _of_teams(self, user_id: str, wanted: tuple[str, ...] | None) -> Sight:
        found = await self._store.load_teams(user_id)
        teams = tuple(sorted(found.teams)) if wanted is None else wanted
        for team in teams:
            if team not in found.teams:
                raise NotFound(f"Team '{team[:100]}' not found among your teams.", param="team_ids")
        # One team without the right to see others' figures narrows the whole answer down.
        sees_members = set(teams) <= found.administers
        return Sight(entities=teams, keys_of=None if sees_members else user_id)

    async def _of_organizations(self, user_id: str, wanted: tuple[str, ...] | None) -> Sight:
        administered = await self._store.list_organizations(user_id)
        for organization in wanted or ():
            if organization not in administered:
                raise PermissionDenied(
                    f"You do not administer the organization '{organization[:100]}'.",
                    param="organization_ids",
                )
        return Sight(entities=tuple(administered) if wanted is None else wanted)
