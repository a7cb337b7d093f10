"""The requests under way on all workers: what they hold, and ending one of them."""

from collections.abc import Sequence

import msgspec

from gateway.runtime import Gateway
from gateway.spend.holds import HeldRequest, list_holds

__all__ = ["Held", "answer_colleagues", "list_everywhere", "release_anywhere"]

_HOLDS, _RELEASE = "holds", "release"
_encode = msgspec.json.Encoder().encode


class Held(msgspec.Struct, frozen=True):
    """A request under way, and the worker that serves it, by the name of its journal."""

    worker: str
    request: HeldRequest


_decode = msgspec.json.Decoder(Held).decode


def answer_colleagues(gateway: Gateway) -> None:
    """Let other workers ask this one."""
    gateway.parts.colleagues.answers |= {
        _HOLDS: lambda _: [_encode(held) for held in _list_own(gateway)],
        _RELEASE: lambda charge_id: [b"true"] if gateway.under_way.release(charge_id) else [],
    }


async def list_everywhere(gateway: Gateway) -> list[Held]:
    """List what is under way on all workers, the oldest first. Raises DatabaseUnavailable."""
    others = await gateway.parts.colleagues.ask(_HOLDS, "", _count_others(gateway))
    found = [*_list_own(gateway), *(_decode(value) for value in others)]
    return sorted(found, key=lambda held: held.request.started_ms)


async def release_anywhere(gateway: Gateway, charge_id: str) -> bool:
    """End a request, whichever worker serves it; say whether there was one. Raises DatabaseUnavailable."""
    if gateway.under_way.release(charge_id):
        return True
    return bool(await gateway.parts.colleagues.ask(_RELEASE, charge_id, _count_others(gateway)))


def _list_own(gateway: Gateway) -> Sequence[Held]:
    journal = gateway.parts.journal
    return [Held(journal.name, request) for request in list_holds(journal.open_lines)]


def _count_others(gateway: Gateway) -> int:
    member = gateway.parts.member
    return 0 if member is None else member.state.workers - 1
