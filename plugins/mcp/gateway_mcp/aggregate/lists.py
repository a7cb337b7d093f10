"""Lists of several servers put together."""

from collections.abc import Iterable
from urllib.parse import unquote

import msgspec

from gateway.errors import BadRequest
from gateway_mcp.aggregate.asked import Asked
from gateway_mcp.kinds import Kind
from gateway_mcp.listings import Listing, check_refusals
from gateway_mcp.made import Made, json_answer
from gateway_mcp.search_terms import Wish, meaning_of_lists
from gateway_mcp.upstreams import Upstream
from gateway_mcp.wire import Object, result_message

__all__ = ["MISSING", "answer_list", "finish", "tell_missing"]

MISSING = "gatewright/missing"
"""In `_meta` of a result: the servers that are not in it, with the reasons."""
_TTL_MILLIS = 60_000
_QUERY, _LIMIT = "x-mcp-tool-query", "x-mcp-tool-limit"
_MOST = 1000
_Found = list[tuple[Upstream, Listing]]


async def answer_list(asked: Asked, kind: Kind) -> Made:
    """One page with what all servers list, in the order of the servers and then as each of them has it.

    Tools are those that the caller may call, and of these, where a header says what they are wanted for,
    those that fit best. A server that could not be asked is named in `_meta`. Raises UpstreamRefusalError.
    """
    found = await asked.listings.find(asked.upstreams, kind, asked.context)
    # Those that every client has to address by themselves are missing where it has not.
    check_refusals((one, listing) for one, listing in found if not one.settings.forwards_tokens)
    query = unquote(asked.context.head.headers.get(_QUERY, "")) if kind.member == "tools" else ""
    items = await _choose(asked, found, query) if query else _list_all(asked, kind, found)
    result: Object = {kind.member: items, **tell_missing(found)}
    if asked.is_modern:
        result |= {"ttlMs": _TTL_MILLIS, "cacheScope": "private"}
    return json_answer(result_message(asked.identifier, finish(asked, result)))


async def _choose(asked: Asked, found: _Found, query: str) -> list[msgspec.Raw]:
    finder, headers = asked.finder, asked.context.head.headers
    narrowing = finder.narrowing
    wish = Wish(query, _read_limit(headers.get(_LIMIT), narrowing.top_k), meaning_of_lists(narrowing))
    chosen = await finder.find(found, wish, asked.reach.may_use, asked.context)
    return [item.shown for _, item in chosen]


def _list_all(asked: Asked, kind: Kind, found: _Found) -> list[msgspec.Raw]:
    if kind.member != "tools":
        return [item.shown for _, listing in found for item in listing.items]
    return [
        item.shown
        for upstream, listing in found
        for may_use in (asked.reach.of(upstream),)
        for item in listing.items
        if may_use(item.name)
    ]


def _read_limit(stated: str | None, usual: int) -> int:
    """How many tools are wanted. Raises BadRequest."""
    if stated is None:
        return usual
    if not (stated.isascii() and stated.isdigit() and 1 <= int(stated[:9]) <= _MOST):
        raise BadRequest(f"The header '{_LIMIT}' is a number from 1 to {_MOST}.", param=_LIMIT)
    return int(stated)


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
