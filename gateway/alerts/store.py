"""Which alerts went out within 24 hours; all workers share it."""

from gateway.db.engine import Database

__all__ = ["AlertStore"]

_CLAIM = """
INSERT INTO gatewright.alert_sent AS a (event, entity, sent_at) VALUES ($1, $2, now())
ON CONFLICT (event, entity) DO UPDATE SET sent_at = EXCLUDED.sent_at
    WHERE a.sent_at <= now() - make_interval(secs => $3)
RETURNING true
"""
_FORGET = "DELETE FROM gatewright.alert_sent WHERE event = $1 AND entity = $2"
_SWEEP = "DELETE FROM gatewright.alert_sent WHERE sent_at <= now() - interval '24 hours'"


class AlertStore:
    """Claims alerts, so that one worker sends each. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, event: str, entity: str, quiet_seconds: float) -> bool:
        """Whether nobody has told it within so many seconds (a day at most): then the caller does."""
        return bool(await self._database.fetch_value(_CLAIM, event, entity, quiet_seconds))

    async def forget(self, event: str, entity: str) -> None:
        """Give back a claim of an alert that went nowhere."""
        await self._database.execute(_FORGET, event, entity)

    async def sweep(self) -> None:
        """Delete what no longer keeps anything back."""
        await self._database.execute(_SWEEP)
