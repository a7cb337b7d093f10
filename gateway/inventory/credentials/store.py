"""The queries of credentials."""

import msgspec

from gateway.db.engine import Database
from gateway.db.rows import Columns, Rows
from gateway.db.tables.models import CredentialsTable
from gateway.ids import new_id

__all__ = ["CredentialRecords"]

_LOCK = 'SELECT credential_id FROM "LiteLLM_CredentialsTable" WHERE credential_name = $1 FOR NO KEY UPDATE'
_ADD = """
INSERT INTO "LiteLLM_CredentialsTable"
    (credential_id, credential_name, credential_values, created_by, updated_by, updated_at)
VALUES ($1, $2, '{}', $3, $3, now() AT TIME ZONE 'UTC')
ON CONFLICT (credential_name) DO NOTHING
"""
_FIND = 'SELECT credential_id FROM "LiteLLM_CredentialsTable" WHERE credential_name = $1'
_decode = msgspec.json.Decoder(dict[str, object]).decode


class CredentialRecords(Rows):
    """Reads and writes credentials by their names. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        super().__init__(CredentialsTable)
        self._database = database

    async def add(self, name: str, actor: str) -> str | None:
        """Make a credential without values; returns its id, None for a name that is taken."""
        identifier = new_id()
        status = await self._database.execute(_ADD, identifier, name, actor)
        return identifier if status.endswith(" 1") else None

    async def lock_named(self, name: str) -> Columns | None:
        """The row with a name, held for change until the transaction ends."""
        identifier = await self._database.fetch_value(_LOCK, name)
        return None if identifier is None else _plain(await self.find(identifier))

    async def find_named(self, name: str) -> Columns | None:
        """The row with a name."""
        identifier = await self._database.fetch_value(_FIND, name)
        return None if identifier is None else _plain(await self.find(identifier))


def _plain(row: Columns | None) -> Columns | None:
    """The row, with an object that was stored as a text of JSON as one again."""
    if row is None:
        return None
    texts = {
        name: row[name] for name in ("credential_values", "credential_info") if isinstance(row[name], str)
    }
    return row | {name: _decode(text) for name, text in texts.items()}
