"""What the database says was spent on any scopes and meters, and which adjustments are contained in that."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from gateway.db.engine import Database
from gateway.db.entities import ENTITIES, GATEWAY_USER_ID, Entity
from gateway.domain import Meter, Scope, ScopeKind

__all__ = ["Total", "TotalsStore", "entity_name"]

_RECENT = "interval '10 minutes'"
_MOST_ADJUSTMENTS = 10_000


class Total(msgspec.Struct, frozen=True):
    """Nano-dollars of one scope or meter, and the adjustments of the last ten minutes that are in it."""

    nanos: int = 0
    adjustment_ids: tuple[str, ...] = ()


def entity_name(scope: Scope) -> tuple[str, str]:
    """Type and id under which adjustments of a scope are written."""
    if scope.kind is ScopeKind.GATEWAY:
        return ScopeKind.USER.value, GATEWAY_USER_ID
    return scope.kind.value, scope.id


def _select(entity: Entity, place: int) -> str:
    # Only constants of this module are put in.
    return f"""
    SELECT '{entity.kind}' AS kind, {entity.id_sql} AS id, '' AS model, '' AS period, 0::bigint AS ends_ms,
        round(COALESCE(t.spend, 0) * 1e9::float8)::bigint AS nanos
    FROM (
        SELECT DISTINCT id, owner_id FROM unnest(${place}::text[], ${place + 1}::text[]) AS w (id, owner_id)
    ) w JOIN "{entity.table}" t ON {entity.match_sql("w")}"""  # noqa: S608  see above


_METERS_AT = len(ENTITIES) * 2 + 1
_READ = f"""
WITH total AS ({" UNION ALL ".join(_select(one, index * 2 + 1) for index, one in enumerate(ENTITIES))}
    UNION ALL
    SELECT m.kind, m.id, m.model, m.period, m.ends_ms, m.nanos
    FROM unnest(${_METERS_AT}::text[], ${_METERS_AT + 1}::text[], ${_METERS_AT + 2}::text[],
        ${_METERS_AT + 3}::text[], ${_METERS_AT + 4}::bigint[]) AS w (kind, id, model, period, ends_ms)
    JOIN gatewright.meter m USING (kind, id, model, period, ends_ms)
)
SELECT total.*, CASE WHEN model = '' AND period = '' THEN ARRAY(
    SELECT a.id FROM gatewright.adjustment a
    WHERE a.entity_type = total.kind AND a.entity_id = total.id AND a.at > now() - {_RECENT}
) END AS adjustment_ids FROM total
"""  # noqa: S608  only constants of this module are put in
_ADJUSTMENTS = f"""
SELECT a.id, a.entity_type, a.entity_id, a.nanos FROM gatewright.adjustment a
JOIN unnest($1::text[], $2::text[]) AS w (entity_type, entity_id) USING (entity_type, entity_id)
WHERE a.at > now() - {_RECENT} LIMIT {_MOST_ADJUSTMENTS}
"""  # noqa: S608  only constants of this module are put in
_ALL_ADJUSTMENTS = f"""
SELECT a.id, a.entity_type, a.entity_id, a.nanos FROM gatewright.adjustment a
WHERE a.at > now() - {_RECENT} ORDER BY a.at DESC LIMIT {_MOST_ADJUSTMENTS}
"""  # noqa: S608  only constants of this module are put in


class TotalsStore:
    """Reads totals and adjustments. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, keys: Iterable[Scope]) -> dict[Scope, Total]:
        """Read totals, all of one moment; what the database does not know has 0."""
        listed = list(keys)
        found = dict.fromkeys(listed, Total())
        scopes = {entity_name(key): key for key in listed if not isinstance(key, Meter)}
        arguments: list[Sequence[object]] = []
        for entity in ENTITIES:
            pairs = [
                pair
                for kind, identifier in scopes
                if kind == entity.kind
                for pair in _candidates(entity, identifier)
            ]
            arguments += ([one for one, _ in pairs], [owner for _, owner in pairs])
        meters = [key for key in listed if isinstance(key, Meter)]
        arguments += (
            [meter.kind.value for meter in meters],
            [meter.id for meter in meters],
            [meter.model for meter in meters],
            [meter.period for meter in meters],
            [meter.ends_ms for meter in meters],
        )
        for row in await self._database.fetch(_READ, *arguments):
            if row["adjustment_ids"] is None:
                key: Scope | None = Meter(
                    ScopeKind(row["kind"]), row["id"], row["model"], row["period"], row["ends_ms"]
                )
            else:
                key = scopes.get((row["kind"], row["id"]))
            if key in found:
                found[key] = Total(row["nanos"], tuple(row["adjustment_ids"] or ()))
        return found

    async def list_adjustments(self, scopes: Iterable[Scope] | None) -> list[tuple[str, str, str, int]]:
        """Read (id, entity type, entity id, nano-dollars) of the last ten minutes; None means of all."""
        if scopes is None:
            rows = await self._database.fetch(_ALL_ADJUSTMENTS)
        else:
            names = [entity_name(scope) for scope in scopes]
            rows = await self._database.fetch(
                _ADJUSTMENTS, [kind for kind, _ in names], [identifier for _, identifier in names]
            )
        return [(row["id"], row["entity_type"], row["entity_id"], row["nanos"]) for row in rows]


def _candidates(entity: Entity, identifier: str) -> Iterator[tuple[str, str]]:
    """The rows that an id may mean: either half of a member's id may hold colons."""
    if not entity.owner_key:
        yield identifier, ""
        return
    parts = identifier.split(":")
    for cut in range(1, len(parts)):
        yield ":".join(parts[:cut]), ":".join(parts[cut:])
