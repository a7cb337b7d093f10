"""Which teams and organizations a user belongs to, for what reports show of them."""

import msgspec

from gateway.db.engine import Database

__all__ = ["Belonging", "VisibilityStore"]

_MOST = 5_000
_MEMBERS = """jsonb_array_elements(
    CASE jsonb_typeof(t.members_with_roles) WHEN 'array' THEN t.members_with_roles ELSE '[]' END) m"""
# The team's own list of members is what counts; memberships and the user's row only find the team. Who
# administers an organization administers its teams.
_TEAMS = f"""
WITH administered AS (
    SELECT organization_id FROM "LiteLLM_OrganizationMembership"
    WHERE user_id = $1 AND user_role = 'org_admin'
), found AS (
    SELECT team_id FROM "LiteLLM_TeamMembership" WHERE user_id = $1
    UNION SELECT unnest(teams) FROM "LiteLLM_UserTable" WHERE user_id = $1
    UNION SELECT team_id FROM "LiteLLM_TeamTable"
        WHERE organization_id IN (SELECT organization_id FROM administered)
), mine AS (
    SELECT t.team_id, t.organization_id IN (SELECT organization_id FROM administered) AS is_organizer,
        EXISTS (SELECT FROM {_MEMBERS} WHERE m ->> 'user_id' = $1) AS is_member,
        EXISTS (SELECT FROM {_MEMBERS} WHERE m ->> 'user_id' = $1 AND m ->> 'role' = 'admin') AS is_leader
    FROM "LiteLLM_TeamTable" t JOIN found USING (team_id)
)
SELECT team_id, COALESCE(is_organizer, false) OR is_leader AS is_admin FROM mine
WHERE is_member OR is_organizer ORDER BY team_id LIMIT {_MOST}
"""  # noqa: S608  only constants are put in
_ORGANIZATIONS = f"""
SELECT organization_id FROM "LiteLLM_OrganizationMembership"
WHERE user_id = $1 AND user_role = 'org_admin' ORDER BY organization_id LIMIT {_MOST}
"""  # noqa: S608  only a constant is put in


class Belonging(msgspec.Struct, frozen=True):
    """The teams that a user administers, and those in which it is a member only."""

    administers: frozenset[str] = frozenset()
    is_member_of: frozenset[str] = frozenset()

    @property
    def teams(self) -> frozenset[str]:
        """All of them."""
        return self.administers | self.is_member_of


class VisibilityStore:
    """Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load_teams(self, user_id: str) -> Belonging:
        """The teams that have the user among their members, and those of organizations of its own."""
        rows = await self._database.fetch(_TEAMS, user_id)
        return Belonging(
            frozenset(row["team_id"] for row in rows if row["is_admin"]),
            frozenset(row["team_id"] for row in rows if not row["is_admin"]),
        )

    async def list_organizations(self, user_id: str) -> list[str]:
        """The organizations that the user administers."""
        return [row["organization_id"] for row in await self._database.fetch(_ORGANIZATIONS, user_id)]
