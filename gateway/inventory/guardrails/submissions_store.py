"""The queries of submitted guardrails."""

import msgspec

from gateway.db.conditions import Conditions
from gateway.db.engine import Database
from gateway.db.rows import Columns, Rows
from gateway.db.tables.guardrails import GuardrailsTable
from gateway.inventory.guardrails.request import SubmissionQuery

__all__ = ["Audience", "SubmissionRecords"]

_OF_NAME = 'SELECT guardrail_id FROM "LiteLLM_GuardrailsTable" WHERE guardrail_name = $1'
_WAITING = """
SELECT count(*) FROM (
    SELECT FROM "LiteLLM_GuardrailsTable" WHERE team_id = $1 AND status = 'pending_review' LIMIT $2
) waiting
"""
_VISIBLE = """(g.team_id = {own} OR EXISTS (
    SELECT FROM "LiteLLM_TeamTable" t WHERE t.team_id = g.team_id AND (
        t.organization_id = ANY ({organizations}::text[])
        OR t.members_with_roles @> jsonb_build_array(jsonb_build_object('user_id', {user}::text)))))"""


class Audience(msgspec.Struct, frozen=True):
    """Who looks: the team of the key, the user, and the organizations that the user administers."""

    team_id: str | None
    user_id: str | None
    organizations: tuple[str, ...] = ()


class SubmissionRecords(Rows):
    """Reads and writes submissions; `audience` None sees all of them. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        super().__init__(GuardrailsTable)
        self._database = database

    async def lock_named(self, name: str) -> Columns | None:
        """The guardrail or submission of a name, held for change until the transaction ends."""
        identifier = await self._database.fetch_value(_OF_NAME, name)
        return None if identifier is None else await self.lock(identifier)

    async def count_waiting(self, team_id: str, most: int) -> int:
        """How many submissions of a team wait for review, at most so many."""
        return await self._database.fetch_value(_WAITING, team_id, most)

    async def list_page(self, query: SubmissionQuery, audience: Audience | None) -> list[Columns]:
        """One page, the newest first."""
        conditions = _submitted(query, audience).add_given("g.status = {}", query.status)
        conditions.add_given("strpos(lower(g.guardrail_name), lower({}::text)) > 0", query.search)
        sql = f"""SELECT g.guardrail_id FROM "LiteLLM_GuardrailsTable" g {conditions.sql}
            ORDER BY g.submitted_at DESC, g.guardrail_id
            LIMIT {query.page_size} OFFSET {(query.page - 1) * query.page_size}"""  # noqa: S608  constants and numbers
        ids = [row["guardrail_id"] for row in await self._database.fetch(sql, *conditions.args)]
        found = {row["guardrail_id"]: row for row in await self.find_any(ids)}
        return [found[identifier] for identifier in ids if identifier in found]

    async def count_by_status(self, query: SubmissionQuery, audience: Audience | None) -> dict[str, int]:
        """How many there are of each status, of the team that is asked for."""
        conditions = _submitted(query, audience)
        sql = f"""SELECT g.status, count(*) AS count FROM "LiteLLM_GuardrailsTable" g {conditions.sql}
            GROUP BY g.status"""  # noqa: S608  constants
        rows = await self._database.fetch(sql, *conditions.args)
        return {row["status"]: row["count"] for row in rows}

    async def find_visible(self, identifier: str, audience: Audience | None) -> Columns | None:
        """One submission, if the audience may see it."""
        conditions = _submitted(SubmissionQuery(), audience).add("g.guardrail_id = {}", identifier)
        sql = f'SELECT g.guardrail_id FROM "LiteLLM_GuardrailsTable" g {conditions.sql}'  # noqa: S608  constants
        found = await self._database.fetch_value(sql, *conditions.args)
        return None if found is None else await self.find(found)


def _submitted(query: SubmissionQuery, audience: Audience | None) -> Conditions:
    conditions = Conditions().add_given("g.team_id = {}", query.team_id)
    # Only submissions were submitted at some time; the constant travels as a parameter as all others do.
    conditions.add("(g.submitted_at IS NOT NULL) = {}", True)
    if audience is not None:
        places = {
            "own": conditions.put(audience.team_id),
            "user": conditions.put(audience.user_id),
            "organizations": conditions.put(list(audience.organizations)),
        }
        conditions.add(f"{_VISIBLE.format(**places)} = {{}}", True)
    return conditions
