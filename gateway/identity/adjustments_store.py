"""What the books say about spend that no request made: opening balances and corrections by hand."""

from gateway.db.engine import Database
from gateway.domain import Scope
from gateway.ids import new_id
from gateway.money import nanos_from_usd

__all__ = ["SpendEntries"]

_OPEN = "INSERT INTO gatewright.opening_balance (entity_type, entity_id, nanos) VALUES ($1, $2, $3)"
_ADJUST = """
INSERT INTO gatewright.adjustment (id, entity_type, entity_id, nanos, reason, actor)
VALUES ($1, $2, $3, $4, $5, $6)
"""
_MANUAL = "spend set by hand"


class SpendEntries:
    """Entered in the transaction that writes the `spend` column. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_balance(self, scope: Scope, usd: float | None) -> None:
        """What an object is said to have spent before it was made; nothing is entered for nothing."""
        if nanos := nanos_from_usd(usd or 0.0):
            await self._database.execute(_OPEN, scope.kind.value, scope.id, nanos)

    async def correct(self, scope: Scope, before: float | None, after: float, actor: str) -> None:
        """The difference, when somebody sets the spend of an object in USD; `before` was read under lock."""
        nanos = nanos_from_usd(after) - nanos_from_usd(before or 0.0)
        if nanos:
            kind, identifier = scope.kind.value, scope.id
            await self._database.execute(_ADJUST, new_id(), kind, identifier, nanos, _MANUAL, actor)
