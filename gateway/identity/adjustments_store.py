"""What the books say about spend that no request made: opening balances and corrections by hand."""

from collections.abc import Sequence

from gateway.db.engine import Database
from gateway.domain import Scope, ScopeKind
from gateway.ids import new_id
from gateway.money import nanos_from_usd

__all__ = ["SpendEntries"]

# An id may have been used before: what was booked on it then is no part of what the new row has spent. A
# drain that books on the id right now is waited for, even if it is the first: a lock would not see its row.
_OPEN = """
WITH recorded AS (
    INSERT INTO gatewright.recorded AS r (entity_type, entity_id, nanos) VALUES ($1, $2, 0)
    ON CONFLICT (entity_type, entity_id) DO UPDATE SET nanos = r.nanos RETURNING nanos
), adjusted AS (
    SELECT sum(nanos) AS nanos FROM gatewright.adjustment WHERE entity_type = $1 AND entity_id = $2
), opening AS (
    SELECT ($3::bigint - COALESCE((SELECT nanos FROM recorded), 0) - COALESCE(nanos, 0))::bigint AS nanos
    FROM adjusted
)
INSERT INTO gatewright.opening_balance (entity_type, entity_id, nanos)
SELECT $1, $2, nanos FROM opening WHERE nanos <> 0 OR EXISTS (
    SELECT FROM gatewright.opening_balance WHERE entity_type = $1 AND entity_id = $2)
ON CONFLICT (entity_type, entity_id) DO UPDATE SET nanos = EXCLUDED.nanos, at = now()
"""
# The same for many rows that have spent nothing yet.
_OPEN_NEW = """
WITH recorded AS (
    INSERT INTO gatewright.recorded AS r (entity_type, entity_id, nanos)
    SELECT $1, id, 0 FROM unnest($2::text[]) AS new (id) ORDER BY id COLLATE "C"
    ON CONFLICT (entity_type, entity_id) DO UPDATE SET nanos = r.nanos RETURNING entity_id AS id, nanos
), adjusted AS (
    SELECT entity_id AS id, sum(nanos) AS nanos FROM gatewright.adjustment
    WHERE entity_type = $1 AND entity_id = ANY ($2) GROUP BY entity_id
), opening AS (
    SELECT id, (-COALESCE(recorded.nanos, 0) - COALESCE(adjusted.nanos, 0))::bigint AS nanos
    FROM unnest($2::text[]) AS new (id) LEFT JOIN recorded USING (id) LEFT JOIN adjusted USING (id)
)
INSERT INTO gatewright.opening_balance (entity_type, entity_id, nanos)
SELECT $1, id, nanos FROM opening WHERE nanos <> 0 OR EXISTS (
    SELECT FROM gatewright.opening_balance WHERE entity_type = $1 AND entity_id = id)
ORDER BY id COLLATE "C"
ON CONFLICT (entity_type, entity_id) DO UPDATE SET nanos = EXCLUDED.nanos, at = now()
"""
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
        """What an object is said to have spent before it was made; to be called for every new row.

        Ids that were made at random just now need none. No opening balance is entered for nothing, unless the
        id was used before.
        """
        nanos = nanos_from_usd(usd or 0.0)
        await self._database.execute(_OPEN, scope.kind.value, scope.id, nanos)

    async def open_accounts(self, kind: ScopeKind, ids: Sequence[str]) -> None:
        """Let new rows of one kind begin with nothing spent, whatever was booked on their ids before."""
        if ids:
            await self._database.execute(_OPEN_NEW, kind.value, list(ids))

    async def correct(self, scope: Scope, before: float | None, after: float, actor: str) -> None:
        """The difference, when somebody sets the spend of an object in USD; `before` was read under lock."""
        nanos = nanos_from_usd(after) - nanos_from_usd(before or 0.0)
        if nanos:
            kind, identifier = scope.kind.value, scope.id
            await self._database.execute(_ADJUST, new_id(), kind, identifier, nanos, _MANUAL, actor)
