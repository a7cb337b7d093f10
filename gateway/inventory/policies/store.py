"""The queries of policies and their attachments."""

from collections.abc import Sequence

from gateway.db.connection import Record
from gateway.db.engine import Database
from gateway.db.rows import Columns, Rows
from gateway.db.tables.guardrails import PolicyAttachmentTable, PolicyTable

__all__ = ["AttachmentRecords", "PolicyRecords"]

_MOST_ANCESTORS = 100
# Whoever changes policies waits for the one before, so that no two changes make a circle together.
_LOCK = 'LOCK TABLE "LiteLLM_PolicyTable" IN SHARE ROW EXCLUSIVE MODE'
_LIST = """
SELECT policy_id FROM "LiteLLM_PolicyTable"
WHERE ($1::text IS NULL OR version_status = $1) AND policy_id > $2 ORDER BY policy_id LIMIT $3
"""
_COUNT = 'SELECT count(*) FROM "LiteLLM_PolicyTable" WHERE $1::text IS NULL OR version_status = $1'
_VERSIONS = """
SELECT policy_id FROM "LiteLLM_PolicyTable" WHERE policy_name = $1 ORDER BY version_number DESC LIMIT $2
"""
_ANCESTORS = f"""
WITH RECURSIVE above AS (
    SELECT policy_id, inherit, 1 AS depth FROM "LiteLLM_PolicyTable"
    WHERE policy_name = $1 AND version_status = 'production'
    UNION ALL
    SELECT p.policy_id, p.inherit, above.depth + 1 FROM "LiteLLM_PolicyTable" p
    JOIN above ON p.policy_name = above.inherit AND p.version_status = 'production'
    WHERE above.depth < {_MOST_ANCESTORS}
)
SELECT DISTINCT policy_id FROM above
"""  # noqa: S608  only a constant of this module is put in
_CHILD = """
SELECT policy_name FROM "LiteLLM_PolicyTable"
WHERE inherit = $1 AND version_status = 'production' AND policy_name <> $1 LIMIT 1
"""
_UNLATEST = 'UPDATE "LiteLLM_PolicyTable" SET is_latest = FALSE WHERE policy_name = $1 AND is_latest'
_LATEST = """
UPDATE "LiteLLM_PolicyTable" SET is_latest = TRUE WHERE policy_id = (
    SELECT policy_id FROM "LiteLLM_PolicyTable" WHERE policy_name = $1 ORDER BY version_number DESC LIMIT 1)
"""
_SET_UP = """
SELECT guardrail_name FROM "LiteLLM_GuardrailsTable" WHERE status = 'active' AND guardrail_name = ANY ($1)
"""
_IS_SHOWN = "($1 OR (COALESCE(cardinality(teams), 0) = 0 AND COALESCE(cardinality(keys), 0) = 0))"
_ATTACHMENTS = f'SELECT count(*) FROM "LiteLLM_PolicyAttachmentTable" WHERE {_IS_SHOWN}'  # noqa: S608  only a constant of this module is put in
_OPEN = f"""
SELECT attachment_id FROM "LiteLLM_PolicyAttachmentTable"
WHERE {_IS_SHOWN} AND attachment_id > $2 ORDER BY attachment_id LIMIT $3
"""  # noqa: S608  as above


class PolicyRecords(Rows):
    """Reads and writes versions of policies. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        super().__init__(PolicyTable)
        self._database = database

    async def lock_all(self) -> None:
        """Let nobody else change policies until the transaction ends."""
        await self._database.execute(_LOCK)

    async def list_page(self, status: str | None, after: str, most: int) -> list[Columns]:
        """At most so many versions with this status, or any, whose ids come after one."""
        return await self._rows(await self._database.fetch(_LIST, status, after, most))

    async def count(self, status: str | None) -> int:
        """How many versions there are with this status, or with any."""
        return await self._database.fetch_value(_COUNT, status)

    async def list_versions(self, name: str, most: int) -> list[Columns]:
        """At most so many versions of a policy, the newest first."""
        found = await self._rows(await self._database.fetch(_VERSIONS, name, most))
        return sorted(found, key=lambda row: -row["version_number"])

    async def find_ancestors(self, name: str) -> list[Columns]:
        """The version in production of a policy and of all above it."""
        return await self._rows(await self._database.fetch(_ANCESTORS, name))

    async def find_child(self, name: str) -> str | None:
        """A policy in production that inherits from this one."""
        return await self._database.fetch_value(_CHILD, name)

    async def clear_latest(self, name: str) -> None:
        """No version of the policy is the latest any more."""
        await self._database.execute(_UNLATEST, name)

    async def mark_latest(self, name: str) -> None:
        """The newest version that there is counts as the latest."""
        await self._database.execute(_LATEST, name)

    async def find_set_up(self, guardrails: Sequence[str]) -> set[str]:
        """Those of the guardrails that the database has."""
        rows = await self._database.fetch(_SET_UP, list(guardrails))
        return {row["guardrail_name"] for row in rows}

    async def _rows(self, found: Sequence[Record]) -> list[Columns]:
        return await self.find_any([row["policy_id"] for row in found])


class AttachmentRecords(Rows):
    """Reads and writes attachments. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        super().__init__(PolicyAttachmentTable)
        self._database = database

    async def list_page(self, after: str, most: int, *, shows_all: bool) -> list[Columns]:
        """At most so many attachments after an id: all, or those that name no teams and keys."""
        rows = await self._database.fetch(_OPEN, shows_all, after, most)
        return await self.find_any([row["attachment_id"] for row in rows])

    async def count(self, *, shows_all: bool) -> int:
        """How many attachments there are: of all, or of those that name no teams and keys."""
        return await self._database.fetch_value(_ATTACHMENTS, shows_all)
