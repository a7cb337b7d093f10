"""What budgets count by themselves, as a part of the look-ups that read whom they are on."""

import msgspec

from gateway.domain import Meter, ScopeKind

__all__ = ["meters_of", "read_meters"]


class _MeterRow(msgspec.Struct, frozen=True, array_like=True):
    kind: ScopeKind
    id: str
    model: str
    period: str
    ends_ms: int
    nanos: int


_decode = msgspec.json.Decoder(tuple[_MeterRow, ...]).decode


def meters_of(owners: str) -> str:
    """Return the SQL of the meters of owners, written as `(kind, id)` rows, whose period is not over."""
    return f"""(SELECT json_agg(json_build_array(x.kind, x.id, x.model, x.period, x.ends_ms, x.nanos))
     FROM (VALUES {owners}) AS w(kind, id) JOIN gatewright.meter x ON x.kind = w.kind AND x.id = w.id
     WHERE x.ends_ms = 0 OR x.ends_ms > EXTRACT(EPOCH FROM now()) * 1000)"""  # noqa: S608  constants of stores


def read_meters(text: str | None) -> tuple[tuple[Meter, int], ...]:
    """The meters of a column of `meters_of`, each with its nano-dollars."""
    rows = () if text is None else _decode(text)
    return tuple((Meter(row.kind, row.id, row.model, row.period, row.ends_ms), row.nanos) for row in rows)
