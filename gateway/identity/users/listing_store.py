"""The queries of listing and counting users."""

from collections.abc import Sequence

from gateway.db.conditions import Conditions
from gateway.db.engine import Database
from gateway.db.rows import Columns
from gateway.identity.numbered_pages import NumberedPage
from gateway.identity.users.store import UserRecords

__all__ = ["IN_ORGANIZATIONS", "IN_TEAM", "UserListing"]

IN_ORGANIZATIONS = """t.user_id IN (SELECT user_id FROM "LiteLLM_OrganizationMembership"
    WHERE organization_id = ANY ({}::text[]))"""
"""That the user is in any of the organizations `{}`."""
IN_TEAM = """t.user_id IN (SELECT member ->> 'user_id' FROM "LiteLLM_TeamTable" team, jsonb_array_elements(
    CASE jsonb_typeof(team.members_with_roles) WHEN 'array' THEN team.members_with_roles ELSE '[]' END) member
    WHERE team.team_id = {})"""
"""That the user is in the team `{}`."""
_KEY_COUNTS = """
SELECT user_id, count(*) AS keys FROM "LiteLLM_VerificationToken" WHERE user_id = ANY ($1::text[])
GROUP BY user_id
"""
_METERS = """
SELECT model, period, ends_ms, nanos FROM gatewright.meter
WHERE kind = 'user' AND id = $1 AND (ends_ms = 0 OR ends_ms > EXTRACT(EPOCH FROM now()) * 1000)
"""
_ORGANIZATIONS = 'SELECT organization_id FROM "LiteLLM_OrganizationMembership" WHERE user_id = $1'
_TEAMS = """
SELECT count(*) FROM "LiteLLM_TeamTable" WHERE $1::text[] IS NULL OR organization_id = ANY ($1)
"""


class UserListing:
    """Users by what is asked for. Raises DatabaseUnavailable."""

    def __init__(self, database: Database, users: UserRecords) -> None:
        self._database = database
        self._users = users

    async def count(self, conditions: Conditions) -> int:
        """How many users there are."""
        sql = f'SELECT count(*) FROM "LiteLLM_UserTable" t {conditions.sql}'  # noqa: S608  constants
        return await self._database.fetch_value(sql, *conditions.args)

    async def read(self, conditions: Conditions, page: NumberedPage) -> list[Columns]:
        """The users of one page."""
        sql = f"""SELECT t.user_id FROM "LiteLLM_UserTable" t {conditions.sql}
            ORDER BY {page.order} LIMIT {page.size} OFFSET {page.skipped}"""  # noqa: S608  constants and numbers
        ids = [row["user_id"] for row in await self._database.fetch(sql, *conditions.args)]
        found = {row["user_id"]: row for row in await self._users.find_any(ids)}
        return [found[user_id] for user_id in ids if user_id in found]

    async def list_names(self, conditions: Conditions, page: NumberedPage) -> list[Columns]:
        """The ids and addresses of one page."""
        sql = f"""SELECT t.user_id, t.user_email FROM "LiteLLM_UserTable" t {conditions.sql}
            ORDER BY {page.order} LIMIT {page.size} OFFSET {page.skipped}"""  # noqa: S608  constants and numbers
        return [dict(row) for row in await self._database.fetch(sql, *conditions.args)]

    async def count_keys(self, users: Sequence[str]) -> dict[str, int]:
        """How many keys these users have; those without any are left out."""
        rows = await self._database.fetch(_KEY_COUNTS, list(users))
        return {row["user_id"]: row["keys"] for row in rows}

    async def count_teams(self, organizations: Sequence[str] | None) -> int:
        """How many teams there are, in all or in some organizations."""
        return await self._database.fetch_value(
            _TEAMS, None if organizations is None else list(organizations)
        )

    async def list_organizations(self, user_id: str) -> list[str]:
        """The organizations that a user is in."""
        return [row["organization_id"] for row in await self._database.fetch(_ORGANIZATIONS, user_id)]

    async def list_meters(self, user_id: str) -> list[Columns]:
        """What budgets of a user for models have counted: model, period, end (ms), nanos."""
        return [dict(row) for row in await self._database.fetch(_METERS, user_id)]
