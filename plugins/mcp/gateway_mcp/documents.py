"""Documents that clients read before they have a token: who grants tokens for a server."""

import asyncio
import re
from collections import OrderedDict
from typing import Any
from urllib.parse import urlsplit

import msgspec

from gateway.clock import Clock
from gateway.errors import GatewayError, NotFound, UpstreamError
from gateway.hooks import Forwarder, ForwardRequest, OpenAnswer, PluginServices, RequestHead
from gateway.sdk import plugin_log
from gateway.wire.errors import error_bytes
from gateway_mcp.bases import Bases
from gateway_mcp.directory import Directory
from gateway_mcp.own_documents import CREDENTIALS, describe_issuer, describe_resource, find_issuer
from gateway_mcp.passing_on import DOCUMENT
from gateway_mcp.places import find_place
from gateway_mcp.upstreams import Upstream
from gateway_mcp.wire import Object

__all__ = ["Documents", "Metadata"]

_LOG = plugin_log("mcp")
_WELL_KNOWN, _AGGREGATE = "/.well-known/", "/mcp"
_ISSUERS = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")
_PLAIN = re.compile(r"[\w./,-]*", re.ASCII)
_FRESH_SECONDS, _PAUSE_SECONDS, _SECONDS = 300, 30, 10.0
_NANOS = 1_000_000_000
_CAPACITY, _BYTES, _OK = 1000, 64 * 1024, 200
_HEADERS = (("content-type", "application/json"), ("cache-control", "no-store"))


class Documents:
    """Answers paths below `/.well-known/` about who grants tokens for servers.

    For those that are passed through it is their own issuer, for all others the gateway.
    """

    def __init__(self, directory: Directory, bases: Bases, services: PluginServices) -> None:
        self._directory = directory
        self._bases = bases
        self.metadata = Metadata(services.forwarder, services.guarded_forwarder, services.clock)

    async def answer(self, head: RequestHead) -> OpenAnswer | None:
        """The document for a path, None for a path that has none."""
        if not head.path.startswith(_WELL_KNOWN):
            return None
        if head.method != "GET":
            return self._miss(head)
        path = self._read_path(head, DOCUMENT)
        if path is not None:
            return await self._tell_of_resource(head, path) or self._miss(head)
        for place in _ISSUERS:
            path = self._read_path(head, place)
            if path is not None:
                return self._tell_of_issuer(head, path) or self._miss(head)
        return self._miss(head)

    async def _tell_of_resource(self, head: RequestHead, path: str) -> OpenAnswer | None:
        place = find_place(path or _AGGREGATE, self._directory.current)
        if place is None:
            return None
        one = place.upstreams[0] if place.is_single else None
        if one is not None and not self._directory.current.lets_in(one, head):
            return None
        if one is not None and one.settings.takes_client_tokens:
            return await self._tell_of_passed(head, path, one)
        base = self._bases.of_logins(head)
        if not base or not _PLAIN.fullmatch(path):
            return None
        return _tell(describe_resource(base, path or _AGGREGATE, find_issuer(path, one)))

    def _tell_of_issuer(self, head: RequestHead, path: str) -> OpenAnswer | None:
        """The gateway's, below its own path and those of all servers that it grants tokens for."""
        upstreams = self._directory.current
        if path == CREDENTIALS:
            base = self._bases.of_logins(head)
            return _tell(describe_issuer(base, CREDENTIALS)) if base else None
        place = find_place(path or _AGGREGATE, upstreams)
        one = upstreams.by_name(path.removeprefix("/"))
        if one is None and place is not None and place.is_single:
            one = place.upstreams[0]
        is_ours = place is not None if one is None else not one.settings.takes_client_tokens
        if not is_ours or (one is not None and not upstreams.lets_in(one, head)):
            return None
        base = self._bases.of_logins(head)
        return _tell(describe_issuer(base, find_issuer(path, one))) if base else None

    async def _tell_of_passed(self, head: RequestHead, path: str, one: Upstream) -> OpenAnswer:
        try:
            found = await self.metadata.find(one)
        except GatewayError as error:
            return OpenAnswer(error_bytes(error), error.status)
        base = self._bases.of(head)
        # A client compares this with the address that it has, and stops where they differ (RFC 9728, 3.3).
        stated = {**found, "resource": f"{base}{path}"} if base else found
        return _tell(stated)

    def _read_path(self, head: RequestHead, document: str) -> str | None:
        """The path behind a document's; the prefix of all paths may stand before or after `/.well-known`."""
        path, root = head.path.removeprefix(document), self._bases.root_path
        if not head.path.startswith(document) or (path and not path.startswith("/")):
            return None
        return path.removeprefix(root) if root and f"{path}/".startswith(f"{root}/") else path

    def _miss(self, head: RequestHead) -> OpenAnswer:
        _LOG.info("well_known_path_not_served", path=head.path[:200])
        error = NotFound("There is no document here.", param="path")
        return OpenAnswer(error_bytes(error), error.status)


class Metadata:
    """What servers say about themselves, fetched once for all who wait, and kept for a while.

    What cannot be had is not asked for again for some seconds. Of more servers than `capacity` none is kept.
    """

    def __init__(
        self, forwarder: Forwarder, guarded: Forwarder, clock: Clock, capacity: int = _CAPACITY
    ) -> None:
        """`guarded` reaches public networks only: for the servers of users."""
        self._forwarder = forwarder
        self._guarded = guarded
        self._clock = clock
        self._capacity = capacity
        self._kept: OrderedDict[Upstream, tuple[int, Object | UpstreamError]] = OrderedDict()
        self._fetching: dict[Upstream, asyncio.Task[Object | UpstreamError]] = {}

    async def find(self, upstream: Upstream) -> Object:
        """The document of a server about itself. Raises UpstreamError (502)."""
        kept = self._kept.get(upstream)
        if kept is not None and self._clock.monotonic_nanos() < kept[0]:
            return _give(kept[1])
        task = self._fetching.get(upstream)
        if task is None:
            task = self._fetching[upstream] = asyncio.create_task(self._fetch(upstream))
        # Nobody's leaving stops it for the others.
        return _give(await asyncio.shield(task))

    @property
    def size(self) -> int:
        """How many documents are kept, or failures."""
        return len(self._kept)

    @property
    def waiting(self) -> int:
        """How many servers are being asked."""
        return len(self._fetching)

    def forget(self, upstream: Upstream) -> None:
        """The server is there no more."""
        self._kept.pop(upstream, None)

    async def _fetch(self, upstream: Upstream) -> Object | UpstreamError:
        try:
            found = await self._ask(upstream)
            seconds = _PAUSE_SECONDS if isinstance(found, UpstreamError) else _FRESH_SECONDS
            self._kept.pop(upstream, None)
            while len(self._kept) >= self._capacity:
                self._kept.popitem(last=False)
            self._kept[upstream] = self._clock.monotonic_nanos() + seconds * _NANOS, found
            return found
        finally:
            del self._fetching[upstream]

    async def _ask(self, upstream: Upstream) -> Object | UpstreamError:
        forwarder = self._guarded if upstream.is_tenants else self._forwarder
        try:
            async with asyncio.timeout(_SECONDS), forwarder.forward(_build_request(upstream)) as stream:
                chunks: list[bytes] = []
                while stream.status == _OK and (chunk := await stream.read_chunk()):
                    chunks.append(chunk)
        except (GatewayError, TimeoutError):
            return _fail(upstream, "does not answer")
        if stream.status != _OK:
            return _fail(upstream, f"answered {stream.status}")
        try:
            return msgspec.json.decode(b"".join(chunks), type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return _fail(upstream, "answered with no JSON object")


def _tell(document: Object) -> OpenAnswer:
    return OpenAnswer(msgspec.json.encode(document), headers=_HEADERS)


def _give(found: Object | UpstreamError) -> Object:
    if isinstance(found, UpstreamError):
        raise UpstreamError(found.message, param=found.param)
    return found


def _fail(upstream: Upstream, problem: str) -> UpstreamError:
    message = (
        f"The MCP server '{upstream.name}' was asked who grants tokens for it (RFC 9728), and {problem}."
    )
    return UpstreamError(message, param="mcp_server")


def _build_request(upstream: Upstream) -> ForwardRequest:
    parts = urlsplit(upstream.settings.url)
    path = parts.path.rstrip("/")
    return ForwardRequest(
        method="GET",
        url=f"{parts.scheme}://{parts.netloc}{DOCUMENT}{path}",
        headers=(("accept", "application/json"), ("accept-encoding", "identity")),
        body=None,
        timeout_seconds=_SECONDS,
        silence_seconds=_SECONDS,
        max_response_bytes=_BYTES,
    )
