"""The queries of listing teams."""

from collections.abc import Sequence

from gateway.db.conditions import Conditions
from gateway.db.engine import Database
from gateway.db.rows import Columns, Rows
from gateway.db.tables.keys import VerificationToken
from gateway.db.tables.teams import DeletedTeamTable
from gateway.identity.numbered_pages import NumberedPage
from gateway.identity.teams.store import TeamRecords

__all__ = ["ALIAS_CONTAINS", "IS_MEMBER", "LISTED_IN_TEAM", "TeamListing"]

LISTED_IN_TEAM = "t.members_with_roles @> jsonb_build_array(jsonb_build_object('user_id', {}::text))"
"""That the team itself names the user `{}`: all that is known of an archived one."""
# Both tables are found by the user; what a team itself says decides.
IS_MEMBER = f"""(t.team_id IN (
    SELECT team_id FROM "LiteLLM_TeamMembership" WHERE user_id = {{}}
    UNION SELECT unnest(teams) FROM "LiteLLM_UserTable" WHERE user_id = {{}}) AND {LISTED_IN_TEAM})"""  # noqa: S608  constants
"""That the user `{}` is in a living team."""
ALIAS_CONTAINS = "strpos(lower(t.team_alias), lower({}::text)) > 0"
"""That the name of the team contains `{}`, in whatever case."""
# Team by team, as the index has them; thousands of users as an argument would spoil the plan.
_MEMBERSHIPS = """
SELECT m.* FROM unnest($1::text[]) AS t (id) CROSS JOIN LATERAL (
    SELECT user_id, team_id, spend, total_spend, budget_id FROM "LiteLLM_TeamMembership"
    WHERE team_id = t.id ORDER BY user_id LIMIT $2
) m LIMIT $2
"""
_KEYS = """
SELECT k.token FROM unnest($1::text[]) AS t (id) CROSS JOIN LATERAL (
    SELECT token FROM "LiteLLM_VerificationToken" WHERE team_id = t.id ORDER BY token LIMIT $2
) k LIMIT $3
"""
_KEY_COUNTS = """
SELECT team_id, count(*) AS keys FROM "LiteLLM_VerificationToken" WHERE team_id = ANY ($1::text[])
GROUP BY team_id
"""


class TeamListing:
    """Teams, living or archived, by what is asked for. Raises DatabaseUnavailable."""

    def __init__(self, database: Database, teams: TeamRecords) -> None:
        self._database = database
        self._teams = teams
        self._archive = Rows(DeletedTeamTable)
        self._keys = Rows(VerificationToken)

    async def count(self, conditions: Conditions, *, are_deleted: bool = False) -> int:
        """How many teams there are."""
        sql = f'SELECT count(*) FROM "{_table(are_deleted)}" t {conditions.sql}'  # noqa: S608  constants
        return await self._database.fetch_value(sql, *conditions.args)

    async def read(
        self, conditions: Conditions, page: NumberedPage, *, are_deleted: bool = False
    ) -> list[Columns]:
        """The teams of one page."""
        key = "id" if are_deleted else "team_id"
        sql = f"""SELECT t.{key} FROM "{_table(are_deleted)}" t {conditions.sql}
            ORDER BY {page.order} LIMIT {page.size} OFFSET {page.skipped}"""  # noqa: S608  constants and numbers
        ids = [row[key] for row in await self._database.fetch(sql, *conditions.args)]
        rows = await (self._archive if are_deleted else self._teams).find_any(ids)
        found = {row[key]: row for row in rows}
        return [found[identifier] for identifier in ids if identifier in found]

    async def list_memberships(self, users: Sequence[str], teams: Sequence[str], most: int) -> list[Columns]:
        """Memberships of these users in these teams, among at most so many of the teams."""
        rows = await self._database.fetch(_MEMBERSHIPS, list(teams), most)
        wanted = frozenset(users)
        return [dict(row) for row in rows if row["user_id"] in wanted]

    async def list_keys(self, teams: Sequence[str], most_each: int, most: int) -> list[Columns]:
        """Keys of these teams, at most so many of each and so many in all."""
        rows = await self._database.fetch(_KEYS, list(teams), most_each, most)
        return await self._keys.find_any([row["token"] for row in rows])

    async def count_keys(self, teams: Sequence[str]) -> dict[str, int]:
        """How many keys these teams have; those without any are left out."""
        rows = await self._database.fetch(_KEY_COUNTS, list(teams))
        return {row["team_id"]: row["keys"] for row in rows}


def _table(are_deleted: bool) -> str:  # noqa: FBT001  the name says it
    return "LiteLLM_DeletedTeamTable" if are_deleted else "LiteLLM_TeamTable"
