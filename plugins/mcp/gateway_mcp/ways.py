"""The ways from paths of the gateway to MCP servers, as the core takes requests there."""

from functools import lru_cache, partial
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from gateway.domain import Endpoint, PassThrough
from gateway.hooks import RequestHead
from gateway_mcp.bases import Bases
from gateway_mcp.brought import find_prefixed
from gateway_mcp.older.paths import find_older
from gateway_mcp.passing_on import ask_for_credential, build_challenge, find_open
from gateway_mcp.places import Place, Places
from gateway_mcp.repeated import ARGUMENT
from gateway_mcp.sessions import SESSION
from gateway_mcp.upstreams import Upstream, Upstreams

__all__ = ["Ways"]

_METHODS = ("DELETE", "GET", "POST")
_LISTEN = "subscriptions/listen"
_FORWARDED = frozenset({SESSION, "mcp-protocol-version", "mcp-method", "mcp-name", "last-event-id"})
"""Headers of the protocol (https://modelcontextprotocol.io/specification, transports)."""
_MOST_PATHS = _MOST_WAYS = 1000


class _Asked(NamedTuple):
    """What of a request the way depends on, where nobody but the gateway judges who may take it."""

    path: str
    reads: bool
    holds_slot: bool
    base: str


class Ways:
    """Finds ways, and remembers those among the servers of now."""

    def __init__(self, places: Places, bases: Bases) -> None:
        self._places = places
        self._bases = bases
        self._quoted = lru_cache(_MOST_PATHS)(partial(quote, safe="/,"))
        self._upstreams: Upstreams | None = None
        self._known: dict[_Asked, PassThrough] = {}

    def find(self, head: RequestHead, upstreams: Upstreams) -> PassThrough | None:
        """The way from a path to servers; messages of the older transport are no requests of their own."""
        older = find_older(head.path, upstreams)
        if older is None:
            place = self._places.find(head.path, upstreams)
            return None if place is None else self._lead(place, head, upstreams)
        place = self._places.find(older.mount, upstreams)
        if place is None or not older.is_stream:
            return None
        led = self._lead(place, msgspec.structs.replace(head, path=older.mount), upstreams)
        return msgspec.structs.replace(led, path=head.path, methods=("GET",), holds_slot=False)

    def _lead(self, place: Place, head: RequestHead, upstreams: Upstreams) -> PassThrough:
        holds_slot = head.method != "GET" and head.headers.get("mcp-method") != _LISTEN
        asked = _Asked(head.path, head.method == "POST", holds_slot, self._bases.of_logins(head))
        repeated = find_prefixed(head.headers, ARGUMENT)
        if repeated or (place.is_single and not _is_for_all(place.upstreams[0])):
            led = self._build(place, asked, head, upstreams)
            return msgspec.structs.replace(led, forwarded=_FORWARDED.union(repeated))
        if upstreams is not self._upstreams or len(self._known) >= _MOST_WAYS:
            self._upstreams, self._known = upstreams, {}
        led = self._known.get(asked)
        if led is None:
            led = self._known[asked] = self._build(place, asked, head, upstreams)
        return led

    def _build(self, place: Place, asked: _Asked, head: RequestHead, upstreams: Upstreams) -> PassThrough:
        one = place.upstreams[0] if place.is_single else None
        open_one = find_open(place, head, upstreams)
        return PassThrough(
            id=f"mcp:{place.key}",
            path=head.path,
            target="" if one is None else one.settings.url,
            methods=_METHODS,
            admits_strangers=_is_open(one, to_bearers=open_one is not None),
            admits_bearers=open_one is not None,
            challenge=self._challenge(place, open_one, head, upstreams),
            endpoint=Endpoint.MCP,
            forwarded=_FORWARDED,
            is_read_first=asked.reads,
            holds_slot=asked.holds_slot,
            timeout_seconds=None if one is None else one.settings.timeout,
        )

    def _challenge(
        self, place: Place, open_one: Upstream | None, head: RequestHead, upstreams: Upstreams
    ) -> str:
        """Where a client without a credential learns who grants one: a server's issuer, or the gateway."""
        if open_one is not None:
            return build_challenge(self._bases.of(head), head.path)
        one = place.upstreams[0] if place.is_single else None
        is_hidden = one is not None and not upstreams.lets_in(one, head)
        if is_hidden or (one is not None and one.settings.takes_client_tokens):
            return ""
        base = self._bases.of_logins(head)
        if one is not None and one.settings.is_byok:
            return ask_for_credential(base, head.path)
        return build_challenge(base, self._quoted(head.path))


def _is_for_all(one: Upstream) -> bool:
    """Whether the way to a server is the same for everybody, wherever and with whatever token they come."""
    return one.settings.available_on_public_internet and not one.settings.is_passed_through


def _is_open(one: Upstream | None, *, to_bearers: bool) -> bool:
    """Whether callers without a credential are let in: to a server that judges tokens, as those with one."""
    if one is None:
        return False
    return one.settings.allow_anonymous or (to_bearers and one.settings.admits_anybody)
