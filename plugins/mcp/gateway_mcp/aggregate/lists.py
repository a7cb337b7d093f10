"""Lists of several servers put together."""

from collections.abc import Iterable

import msgspec

from gateway_mcp.aggregate.asked import Asked
from gateway_mcp.kinds import Kind
from gateway_mcp.listings import Listing
from gateway_mcp.made import Made, json_answer
from gateway_mcp.upstreams import Upstream
from gateway_mcp.wire import Object, result_message

__all__ = ["MISSING", "answer_list", "finish", "tell_missing"]

MISSING = "gatewright/missing"
"""In `_meta` of a result: the servers that are not in it, with the reasons."""
_TTL_MILLIS = 60_000


async def answer_list(asked: Asked, kind: Kind) -> Made:
    """One page with what all servers list, in the order of the servers and then as each of them has it.

    Tools are those that the caller may call. A server that could not be asked is named in `_meta`.
    """
    found = await asked.listings.find(asked.upstreams, kind, asked.context)
    items: list[msgspec.Raw] = []
    for upstream, listing in found:
        if kind.member == "tools":
            may_use = asked.reach.of(upstream)
            items += [item.shown for item in listing.items if may_use(item.name)]
        else:
            items += [item.shown for item in listing.items]
    result: Object = {kind.member: items, **tell_missing(found)}
    if asked.is_modern:
        result |= {"ttlMs": _TTL_MILLIS, "cacheScope": "private"}
    return json_answer(result_message(asked.identifier, finish(asked, result)))


def finish(asked: Asked, result: Object) -> Object:
    """A result as the client's revision has it."""
    return {"resultType": "complete", **result} if asked.is_modern else result


def tell_missing(found: Iterable[tuple[Upstream, Listing]]) -> Object:
    """Name the servers that failed; one that does not know the list at all has nothing to list."""
    missing = [
        {"server": upstream.name, "reason": listing.error.message}
        for upstream, listing in found
        if listing.error is not None and not listing.is_unknown
    ]
    return {"_meta": {MISSING: missing}} if missing else {}
