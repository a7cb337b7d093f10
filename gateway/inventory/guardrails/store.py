"""The queries of guardrails."""

from gateway.db.engine import Database
from gateway.db.rows import Columns, Rows
from gateway.db.tables.guardrails import GuardrailsTable
from gateway.ids import new_id

__all__ = ["GuardrailRecords"]

_ADD = """
INSERT INTO "LiteLLM_GuardrailsTable" (guardrail_id, guardrail_name, litellm_params, updated_at)
VALUES ($1, $2, '{}', now() AT TIME ZONE 'UTC') ON CONFLICT DO NOTHING
"""
_IS_TAKEN = """
SELECT EXISTS (SELECT 1 FROM "LiteLLM_GuardrailsTable" WHERE guardrail_name = $1 AND guardrail_id <> $2)
"""


class GuardrailRecords(Rows):
    """Reads and writes guardrails. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        super().__init__(GuardrailsTable)
        self._database = database

    async def add(self, name: str, identifier: str | None) -> str | None:
        """Make a guardrail without parameters; returns its id, None for a name or an id that is taken."""
        identifier = identifier or new_id()
        status = await self._database.execute(_ADD, identifier, name)
        return identifier if status.endswith(" 1") else None

    async def is_taken(self, name: str, identifier: str) -> bool:
        """Whether another guardrail has a name."""
        return bool(await self._database.fetch_value(_IS_TAKEN, name, identifier))

    async def find_active(self, identifier: str) -> Columns | None:
        """The row with this id, if it is no submission that waits or was rejected."""
        row = await self.find(identifier)
        return row if row is not None and row["status"] == "active" else None
