"""What requests under way hold of the budgets that they count on."""

from collections.abc import Iterable

import msgspec

from gateway.spend.records import OpenedRecord

__all__ = ["HeldRequest", "list_holds"]

_decode = msgspec.json.Decoder(OpenedRecord).decode
_decode_scopes = msgspec.json.Decoder(list[list[str | int]]).decode


class HeldRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was admitted and has not ended; `held_nanos` is nano-dollars, `started_ms` since 1970.

    `entities` are those whose spend will grow: `[kind, id]`, for members `[kind, user, team]`.
    """

    charge_id: str
    call_id: str
    api_key: str
    model_group: str
    held_nanos: int
    started_ms: int
    user: str | None
    team_id: str | None
    entities: list[list[str | int]]
    endpoint: str = ""


def list_holds(lines: Iterable[bytes]) -> list[HeldRequest]:
    """Read the journal's lines of open requests, oldest first."""
    return [_held(_decode(line)) for line in lines]


def _held(record: OpenedRecord) -> HeldRequest:
    return HeldRequest(
        charge_id=record.charge_id,
        call_id=record.call_id,
        api_key=record.api_key,
        model_group=record.model_group,
        held_nanos=record.cost_nanos,
        started_ms=record.started_ms,
        user=record.user,
        team_id=record.team_id,
        entities=_decode_scopes(record.scopes),
        endpoint=record.endpoint,
    )
