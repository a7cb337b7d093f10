"""The query that looks for fresh entries of the audit trail."""

from gateway.alerts.changes import ChangedRow
from gateway.db.engine import Database

__all__ = ["ChangeAlertStore"]

# Entries have ids that begin with their time (UUID version 7), so that the primary key finds them.
_FIND = """
SELECT id, action, table_name, object_id, changed_by, row ->> 'user_id' AS user_id,
    row ->> 'team_id' AS team_id,
    COALESCE(row ->> 'key_alias', row ->> 'user_email', row ->> 'model_name', row ->> 'team_alias') AS name
FROM (SELECT *, COALESCE(updated_values, before_value) AS row FROM "LiteLLM_AuditLog"
    WHERE id >= $1 AND id < $2 ORDER BY id LIMIT 500) entries
"""


class ChangeAlertStore:
    """Reads entries by their time. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_between(self, start_ms: int, end_ms: int) -> list[ChangedRow]:
        """The entries from one time up to another one, in milliseconds since 1970; 500 at most."""
        rows = await self._database.fetch(_FIND, _prefix(start_ms), _prefix(end_ms))
        return [
            ChangedRow(
                id=row["id"],
                action=row["action"],
                table=row["table_name"],
                object_id=row["object_id"],
                changed_by=row["changed_by"],
                name=row["name"],
                user_id=row["user_id"],
                team_id=row["team_id"],
            )
            for row in rows
        ]


def _prefix(millis: int) -> str:
    return f"{millis >> 16:08x}-{millis & 0xFFFF:04x}"
