"""The queries of deleting users."""

from collections.abc import Sequence

from gateway.db.engine import Database

__all__ = ["UserRemovals"]

_LOCK = """
SELECT user_id FROM "LiteLLM_UserTable" WHERE user_id = ANY ($1::text[])
ORDER BY user_id COLLATE "C" FOR UPDATE
"""
_ORGANIZATIONS = """
SELECT user_id, organization_id FROM "LiteLLM_OrganizationMembership" WHERE user_id = ANY ($1::text[])
"""
_TEAM_ORGANIZATIONS = """
SELECT DISTINCT organization_id FROM "LiteLLM_TeamTable" WHERE team_id = ANY ($1::text[])
"""
_LEAVINGS = (
    """DELETE FROM "LiteLLM_InvitationLink" WHERE user_id = ANY ($1::text[])
       OR created_by = ANY ($1::text[]) OR updated_by = ANY ($1::text[])""",
    'DELETE FROM "LiteLLM_UserNotifications" WHERE user_id = ANY ($1::text[])',
    'DELETE FROM "LiteLLM_OrganizationMembership" WHERE user_id = ANY ($1::text[])',
    'DELETE FROM "LiteLLM_UserTable" WHERE user_id = ANY ($1::text[])',
)


class UserRemovals:
    """Used inside the transaction of a deletion. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock(self, user_ids: Sequence[str]) -> None:
        """Hold these users until the transaction ends; keys are held before, teams after."""
        await self._database.fetch(_LOCK, list(user_ids))

    async def list_organizations(self, user_ids: Sequence[str]) -> dict[str, set[str]]:
        """The organizations of each user."""
        found: dict[str, set[str]] = {user_id: set() for user_id in user_ids}
        for row in await self._database.fetch(_ORGANIZATIONS, list(user_ids)):
            found[row["user_id"]].add(row["organization_id"])
        return found

    async def list_team_organizations(self, team_ids: Sequence[str]) -> set[str | None]:
        """The organizations of these teams; None for a team without one."""
        rows = await self._database.fetch(_TEAM_ORGANIZATIONS, list(team_ids))
        return {row["organization_id"] for row in rows}

    async def remove(self, user_ids: Sequence[str]) -> None:
        """Delete users with their invitations, requests and memberships of organizations."""
        for sql in _LEAVINGS:
            await self._database.execute(sql, list(user_ids))
