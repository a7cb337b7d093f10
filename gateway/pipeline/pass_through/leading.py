"""Leads a request whose path no route has to its pass-through."""

from collections.abc import Sequence

from gateway.domain import PassThrough
from gateway.errors import BadRequest, GatewayError, MethodNotAllowed
from gateway.hooks import RequestHead
from gateway.ids import new_charge_id
from gateway.pipeline.answers import send_error
from gateway.pipeline.exchange import ClientLeftError
from gateway.pipeline.intake import call_id_of
from gateway.pipeline.pass_through.body import PartedExchange
from gateway.pipeline.pass_through.passing import pass_request
from gateway.runtime import Gateway

__all__ = ["lead_request"]

_DOTS = frozenset({".", ".."})
_CROOKED = frozenset("\\%?#")


async def lead_request(gateway: Gateway, exchange: PartedExchange, path: str) -> bool:
    """Answer a request by its pass-through; False where there is none, with nothing read.

    `path` is as it came, decoded; the one of the exchange's head has no slash at its end.
    """
    head = exchange.head
    try:
        exchange.check_head()
        found = gateway.snapshot.pass_throughs.find(head.path) or await _ask(gateway, head)
        if not found:
            return False
        one = _choose(found, head.method, head.path)
        below = path[len(one.path) :]
        _check_is_straight(below)
        await pass_request(gateway, one, below, exchange)
    except ClientLeftError:
        pass
    except GatewayError as error:
        await send_error(exchange, error, call_id_of(exchange, new_charge_id()))
    return True


async def _ask(gateway: Gateway, head: RequestHead) -> Sequence[PassThrough]:
    """Where a plugin leads the request."""
    hooks = gateway.snapshot.pass_through_hooks
    found = await hooks.find_pass_through(head) if hooks.has_find_pass_through else None
    return () if found is None else (found,)


def _choose(found: Sequence[PassThrough], method: str, path: str) -> PassThrough:
    one = next((one for one in found if method in one.methods), None)
    if one is None:
        allowed = ", ".join(sorted({name for one in found for name in one.methods}))
        message = f"{path[:200]} answers {allowed}, not {method}."
        raise MethodNotAllowed(message, headers={"allow": allowed})
    return one


def _check_is_straight(below: str) -> None:
    """Raise BadRequest for a decoded path that a server might read as another one than the gateway does."""
    segments = below.split("/")[1:]
    if segments and not segments[-1]:
        # One slash at the end may mean something to the target.
        segments.pop()
    is_crooked = any(not part or part.partition(";")[0] in _DOTS for part in segments)
    if is_crooked or not _CROOKED.isdisjoint(below) or not below.isprintable():
        message = "The path has empty segments, dots or escapes in it that no pass-through takes along."
        raise BadRequest(message, param="path")
