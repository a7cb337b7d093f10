"""What servers list: asked once for all callers to whom it may be shown, and remembered for a while."""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any, cast

import msgspec

from gateway.clock import Clock
from gateway.errors import GatewayError
from gateway.hooks import RequestContext
from gateway_mcp.conversation import Conversation, Eras, RefusedError
from gateway_mcp.credentials import Credentials
from gateway_mcp.faults import ServerTimeoutError
from gateway_mcp.kinds import KINDS, Kind
from gateway_mcp.names import join_name, join_uri
from gateway_mcp.passing_on import UpstreamRefusalError, read_again
from gateway_mcp.repeated import is_sound, repeat_arguments
from gateway_mcp.transports.asking import watch_refusals
from gateway_mcp.transports.cancelling import stop_refused
from gateway_mcp.transports.choose import Transports
from gateway_mcp.upstreams import Upstream
from gateway_mcp.wire import METHOD_NOT_FOUND, Object

__all__ = ["Item", "Listing", "Listings", "check_refusals"]

_FRESH_SECONDS, _PAUSE_SECONDS, _LIST_SECONDS = 60, 5, 30.0
_NANOS = 1_000_000_000
_TOOLS, _CALL = "tools", "tools/call"
_CAPACITY = 10_000


class Item(msgspec.Struct, frozen=True):
    """One of the things: what the server calls it, what it said, and the same as it is shown among others."""

    name: str
    said: Object
    shown: msgspec.Raw


class Listing(msgspec.Struct, frozen=True):
    """What a server answered, or why it did not."""

    items: tuple[Item, ...] = ()
    error: GatewayError | None = None

    @property
    def is_unknown(self) -> bool:
        """Whether the server has no such list."""
        return isinstance(self.error, RefusedError) and self.error.error.get("code") == METHOD_NOT_FOUND


def check_refusals(found: Iterable[tuple[Upstream, Listing]]) -> None:
    """Raise UpstreamRefusalError where a server refused the client's token: an empty list would hide it."""
    for _, listing in found:
        if isinstance(listing.error, UpstreamRefusalError):
            raise read_again(listing.error)


class _Entry:
    __slots__ = ("ends_at", "listing", "task")

    def __init__(self) -> None:
        self.listing: Listing | None = None
        self.ends_at = 0
        self.task: asyncio.Task[None] | None = None


class Listings:
    """Lists of servers; everybody who waits for one shares one call, which nobody's leaving stops.

    A server that fails is asked again after some seconds; callers hear what was missing.
    """

    def __init__(self, transports: Transports, credentials: Credentials, clock: Clock) -> None:
        self._transports = transports
        transports.note_change = self.forget
        self._credentials = credentials
        self._clock = clock
        self._entries: dict[tuple[str, str], _Entry] = {}
        self.eras = Eras()

    async def find(
        self, upstreams: Sequence[Upstream], kind: Kind, context: RequestContext
    ) -> list[tuple[Upstream, Listing]]:
        """What each server lists, in the order given."""
        entries = [self._entry(upstream, kind, context) for upstream in upstreams]
        waited = [entry.task for entry in entries if entry.listing is None and entry.task is not None]
        if waited:
            await asyncio.wait(waited)
        listings = (entry.listing or Listing() for entry in entries)
        return list(zip(upstreams, listings, strict=True))

    async def holds(self, upstream: Upstream, tool: str, context: RequestContext) -> bool:
        """Whether a tool is as it was when it was approved of: where tools are pinned, it is looked up."""
        if upstream.settings.pinned_tools is None:
            return True
        ((_, listing),) = await self.find([upstream], KINDS["tools/list"], context)
        return any(item.name == tool for item in listing.items)

    async def converse(self, upstream: Upstream, context: RequestContext) -> Conversation:
        """A conversation with a server on behalf of a caller."""
        credentials = await self._credentials.list_headers(upstream, context)
        seconds = min(upstream.settings.timeout, _LIST_SECONDS)
        way = stop_refused(self._transports.of(upstream), context)
        way = watch_refusals(way, upstream, context, self._credentials)
        return Conversation(way, upstream, credentials, self.eras, seconds)

    async def is_modern(self, upstream: Upstream, context: RequestContext) -> bool:
        """Whether a server speaks the revision without sessions. Raises as Conversation.ask."""
        known = self.eras.known(upstream)
        return await (await self.converse(upstream, context)).is_modern() if known is None else known

    async def ask(self, upstream: Upstream, method: str, params: Object, context: RequestContext) -> Object:
        """What a request comes to that the gateway makes in a caller's place. Raises as Conversation.ask."""
        conversation = await self.converse(upstream, context)
        arguments = params.get("arguments")
        if method != _CALL or not isinstance(arguments, dict) or not await conversation.is_modern():
            return await conversation.ask(method, params)
        given = cast("Object", arguments)
        return await conversation.ask(
            method, params, await self.repeat(upstream, str(params.get("name")), given, context)
        )

    async def repeat(
        self, upstream: Upstream, tool: str, arguments: Mapping[str, object], context: RequestContext
    ) -> dict[str, str]:
        """The headers that a modern server compares with the arguments of a call, if its list is known."""
        if not upstream.settings.is_behind_http:
            return {}
        return repeat_arguments(await self.find_schema(upstream, tool, context), arguments)

    async def find_schema(self, upstream: Upstream, tool: str, context: RequestContext) -> object:
        """What a tool takes; None where the list of its server does not say it."""
        ((_, listing),) = await self.find([upstream], KINDS["tools/list"], context)
        return next((item.said.get("inputSchema") for item in listing.items if item.name == tool), None)

    def forget(self, upstream: Upstream) -> None:
        """Ask a server anew: it said that its lists have changed."""
        audience = f"{upstream.id}\n"
        for key in [key for key in self._entries if f"{key[0]}\n".startswith(audience)]:
            del self._entries[key]

    def _entry(self, upstream: Upstream, kind: Kind, context: RequestContext) -> _Entry:
        key = (self._credentials.audience(upstream, context), kind.method)
        entry = self._entries.get(key)
        if entry is None:
            if len(self._entries) >= _CAPACITY:
                self._entries.pop(next(iter(self._entries)))
            entry = self._entries[key] = _Entry()
        if entry.task is None and self._clock.monotonic_nanos() >= entry.ends_at:
            entry.task = asyncio.create_task(self._fill(key, entry, self._ask(upstream, kind, context)))
        return entry

    async def _fill(
        self, key: tuple[str, str], entry: _Entry, asking: Coroutine[Any, Any, tuple[Item, ...]]
    ) -> None:
        seconds = _FRESH_SECONDS
        try:
            async with asyncio.timeout(_LIST_SECONDS):
                entry.listing = Listing(await asking)
        except (GatewayError, TimeoutError) as error:
            failure = error if isinstance(error, GatewayError) else ServerTimeoutError("It took too long.")
            seconds, entry.listing = _PAUSE_SECONDS, Listing(error=failure)
            if isinstance(error, UpstreamRefusalError) and self._entries.get(key) is entry:
                # Only those who wait hear of it: the next one may be let in.
                del self._entries[key]
        finally:
            entry.ends_at = self._clock.monotonic_nanos() + seconds * _NANOS
            entry.task = None

    async def _ask(self, upstream: Upstream, kind: Kind, context: RequestContext) -> tuple[Item, ...]:
        conversation = await self.converse(upstream, context)
        found = await conversation.list_all(kind.method, kind.member)
        if kind.member == _TOOLS:
            settings = upstream.settings
            if settings.is_behind_http and await conversation.is_modern():
                found = [said for said in found if is_sound(said.get("inputSchema"))]
            found = [settings.dress(said) for said in found if settings.holds(said)]
        return tuple(_show(upstream, kind, said) for said in found if isinstance(said.get(kind.key), str))


def _show(upstream: Upstream, kind: Kind, said: Object) -> Item:
    shown = {**said}
    if isinstance(said.get("name"), str):
        shown["name"] = join_name(upstream, said["name"])
    if kind.key != "name":
        shown[kind.key] = join_uri(upstream, said[kind.key])
    return Item(said[kind.key], said, msgspec.Raw(msgspec.json.encode(shown)))
