"""The look-ups behind a token: whom its claims name, and all of a caller's owners in one statement."""

from collections.abc import Mapping, Sequence

import msgspec

from gateway.db.engine import Database
from gateway.identity.keys.joined import read_key_row
from gateway.identity.rows import KeyRow
from gateway.identity.store import JOINED_COLUMNS, JOINED_OWNERS

__all__ = ["CallerColumns", "TeamColumns", "TokenStore", "UserMatch"]

_encode = msgspec.json.Encoder().encode
# What a caller with a token is instead of a key: a row of that table which is stored nowhere.
_CALLERS = f"""
SELECT {JOINED_COLUMNS}, NULL::timestamp AS revoke_at
FROM jsonb_populate_recordset(NULL::"LiteLLM_VerificationToken", $1::jsonb) k
{JOINED_OWNERS}
"""  # noqa: S608  only constants of stores are put in
_USER = """
SELECT user_id, sso_user_id, user_role FROM "LiteLLM_UserTable" WHERE user_id = $1
UNION ALL
SELECT user_id, sso_user_id, user_role FROM "LiteLLM_UserTable" WHERE sso_user_id = $1 AND user_id <> $1
"""
_USERS_WITH_EMAIL = """
SELECT user_id, sso_user_id, user_role FROM "LiteLLM_UserTable" WHERE lower(user_email) = lower($1) LIMIT 2
"""
_NAMES = 'SELECT user_id, user_email, sso_user_id FROM "LiteLLM_UserTable" WHERE user_id = $1'
_LINK = 'UPDATE "LiteLLM_UserTable" SET sso_user_id = $2 WHERE user_id = $1 AND sso_user_id IS NULL'
_TEAMS = """
SELECT team_id, team_alias, organization_id FROM "LiteLLM_TeamTable" WHERE team_id = ANY ($1::text[])
"""
_TEAMS_WITH_ALIAS = """
SELECT team_id, team_alias, organization_id FROM "LiteLLM_TeamTable" WHERE team_alias = $1 LIMIT 2
"""
_TEAMS_OF_USER = """
SELECT team_id, team_alias, organization_id FROM "LiteLLM_TeamTable"
WHERE members_with_roles @> jsonb_build_array(jsonb_build_object('user_id', $1::text))
ORDER BY team_id LIMIT 256
"""
_ORGANIZATIONS = """
SELECT organization_id FROM "LiteLLM_OrganizationTable" WHERE organization_id = $1
"""
_ORGANIZATIONS_WITH_ALIAS = """
SELECT organization_id FROM "LiteLLM_OrganizationTable" WHERE organization_alias = $1 LIMIT 2
"""
_AGENT = 'SELECT agent_id FROM "LiteLLM_AgentsTable" WHERE agent_id = $1'


class CallerColumns(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """The columns that a caller with a token has where others have those of their key."""

    token: str
    user_id: str | None = None
    team_id: str | None = None
    organization_id: str | None = None
    agent_id: str | None = None
    spend: float = 0.0
    access_group_ids: tuple[str, ...] = ()
    aliases: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    metadata: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class UserMatch(msgspec.Struct, frozen=True):
    """A user whom a token may mean."""

    user_id: str
    sso_user_id: str | None
    role: str | None


class TeamColumns(msgspec.Struct, frozen=True):
    """What is needed of a team in order to choose it."""

    team_id: str
    alias: str | None
    organization_id: str | None


class TokenStore:
    """Reads whom tokens name. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load_callers(self, callers: Sequence[CallerColumns], journal: str) -> list[KeyRow]:
        """Each caller joined with all its owners, in the order given."""
        rows = await self._database.fetch(_CALLERS, _encode(callers).decode(), journal)
        by_team = {row["team_id"]: read_key_row(row) for row in rows}
        return [by_team[caller.team_id] for caller in callers]

    async def find_user(self, name: str) -> UserMatch | None:
        """The user with this id, else the one with this id at the identity provider."""
        rows = await self._database.fetch(_USER, name)
        return UserMatch(*rows[0].values()) if rows else None

    async def list_users_with_email(self, email: str) -> list[UserMatch]:
        """At most two users with this address, in whatever case."""
        return [UserMatch(*row.values()) for row in await self._database.fetch(_USERS_WITH_EMAIL, email)]

    async def find_names(self, user_id: str) -> Mapping[str, str | None] | None:
        """What the user with this id is called."""
        row = await self._database.fetch_row(_NAMES, user_id)
        return None if row is None else dict(row)

    async def link_user(self, user_id: str, sso_user_id: str) -> None:
        """Note who a user is at the identity provider, unless that is known."""
        await self._database.execute(_LINK, user_id, sso_user_id)

    async def list_teams(self, team_ids: Sequence[str]) -> list[TeamColumns]:
        """Those of these teams that exist."""
        return [TeamColumns(*row.values()) for row in await self._database.fetch(_TEAMS, list(team_ids))]

    async def list_teams_with_alias(self, alias: str) -> list[TeamColumns]:
        """At most two teams of this alias."""
        return [TeamColumns(*row.values()) for row in await self._database.fetch(_TEAMS_WITH_ALIAS, alias)]

    async def list_teams_of_user(self, user_id: str) -> list[TeamColumns]:
        """The teams that a user is a member of, at most 256."""
        return [TeamColumns(*row.values()) for row in await self._database.fetch(_TEAMS_OF_USER, user_id)]

    async def list_organizations(self, name: str, *, by_alias: bool) -> list[str]:
        """At most two organizations of this id or alias."""
        query = _ORGANIZATIONS_WITH_ALIAS if by_alias else _ORGANIZATIONS
        return [row["organization_id"] for row in await self._database.fetch(query, name)]

    async def has_agent(self, agent_id: str) -> bool:
        """Whether there is such an agent."""
        return await self._database.fetch_value(_AGENT, agent_id) is not None
