"""The query that forgets meters."""

from gateway.db.engine import Database

__all__ = ["MeterStore"]


class MeterStore:
    """Deletes rows of `gatewright.meter`. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def delete_ended(self, before_ms: int, limit: int) -> int:
        """Delete meters whose period ended before a time (milliseconds since 1970); return how many."""
        sql = """
            DELETE FROM gatewright.meter WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM gatewright.meter WHERE ends_ms > 0 AND ends_ms < $1 LIMIT $2))"""
        status = await self._database.execute(sql, before_ms, limit)
        return int(status.rpartition(" ")[2])
