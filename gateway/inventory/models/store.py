"""The queries of models."""

import msgspec

from gateway.db.engine import Database
from gateway.db.rows import Columns, Rows
from gateway.db.tables.models import ProxyModelTable

__all__ = ["ModelRecords"]

_OF_TEAM = """
SELECT count(*) AS many, count(*) FILTER (WHERE model_info ->> 'team_public_model_name' = $2) AS named
FROM "LiteLLM_ProxyModelTable" WHERE model_info ->> 'team_id' = $1
"""


_decode = msgspec.json.Decoder(dict[str, object]).decode


class ModelRecords(Rows):
    """Reads and writes models. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        super().__init__(ProxyModelTable)
        self._database = database

    async def lock(self, identifier: str) -> Columns | None:
        """The row, held for change; an object that was stored as a text of JSON is one again."""
        row = await super().lock(identifier)
        if row is None:
            return None
        texts = {name: row[name] for name in ("litellm_params", "model_info") if isinstance(row[name], str)}
        return row | {name: _decode(text) for name, text in texts.items()}

    async def count_of_team(self, team_id: str, public_name: str) -> tuple[int, int]:
        """How many models a team has of its own, and how many of them under a name."""
        row = await self._database.fetch_row(_OF_TEAM, team_id, public_name)
        return (0, 0) if row is None else (row["many"], row["named"])
