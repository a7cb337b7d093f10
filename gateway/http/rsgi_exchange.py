"""An exchange over granian's own interface, which costs a third less than ASGI (docs/performance.md)."""

import re
from collections.abc import Mapping
from functools import lru_cache

from granian.rsgi import ProtocolClosed  # pyright: ignore[reportPrivateImportUsage]  as documented

from gateway.clock import Clock
from gateway.errors import BadRequest
from gateway.hooks import RequestHead
from gateway.pipeline.exchange import ClientLeftError, Exchange, Headers, too_large
from gateway.pipeline.heads import FORWARDED, join_headers
from gateway.wire.rsgi import RsgiHeaders, RsgiProtocol, RsgiScope, RsgiTransport

__all__ = ["RsgiExchange", "list_headers", "read_head", "split_address"]

_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")
_LONGEST_HOST = 253 + len(":65535")
"""A name has at most 253 characters (RFC 1035 section 3.1, without the root's dot)."""
_NAMES_HOSTS = "1.1"
_CALL_ID = "x-litellm-call-id"
"""Only replaced by ours where it cannot be sent back."""
_UNKNOWN = "unknown"
"""Whom a proxy cannot name (RFC 7239 section 6.2)."""
_ACTED_ON = ("x-litellm-", "authorization", "x-api-key", "api-key", "x-goog-api-key")


def read_head(scope: RsgiScope, headers: RsgiHeaders, path: str) -> RequestHead:
    """Read an RSGI scope and its headers; `path` is without the server's root path."""
    host, _, _ = scope.client.rpartition(":")
    peer = host.strip("[]") or None
    # `list_headers` and `join_headers` spelled out for what most requests have: each name once, and no proxy.
    pairs = list_headers(headers) if FORWARDED in headers else headers.items()
    joined = dict(pairs)
    if len(joined) != len(pairs):
        joined = join_headers(pairs)
    return RequestHead(scope.method, path, joined, scope.query_string, peer, scope.scheme)


def list_headers(headers: RsgiHeaders) -> list[tuple[str, str]]:
    """The pairs of the headers, with a word for whom `x-forwarded-for` told of when its value got lost.

    The server leaves out values beyond visible ASCII: without the word a client that has a proxy append to
    such a value would come from the proxy's own address.
    """
    pairs = headers.items()
    if FORWARDED in headers and headers.get(FORWARDED) is None:
        pairs.insert(0, (FORWARDED, _UNKNOWN))
    return pairs


def split_address(text: str) -> tuple[str, int | str]:
    """The host and the port of an address as the server says it; of a unix socket its path."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port) if port.isdecimal() else port


class RsgiExchange(Exchange):
    """Reads and answers by the protocol object of one request."""

    __slots__ = ("_headers", "_protocol", "_scope", "_transport")

    def __init__(
        self, scope: RsgiScope, headers: RsgiHeaders, path: str, protocol: RsgiProtocol, clock: Clock
    ) -> None:
        # `super()` costs as much as reading both clocks.
        Exchange.__init__(self, read_head(scope, headers, path), clock)
        self._scope = scope
        self._headers = headers
        self._protocol = protocol
        self._transport: RsgiTransport | None = None

    def check_head(self) -> None:
        """See Exchange.check_head: the host has its form, and what is acted on does not get lost.

        The server hands over values of visible ASCII only (RFC 9110 section 5.5); of two ways to state a
        length it has kept one, and closes the connection.
        """
        headers = self.head.headers
        host = headers.get("host")
        if host is None:
            self._check_version()
        elif len(host) > _LONGEST_HOST or not _names_host(host):
            raise BadRequest("The Host header names no host (RFC 9110 section 7.2).", param="host")
        if len(self._headers) != len(headers):
            _check_values(self._headers.keys(), headers)

    def _check_version(self) -> None:
        """A request of HTTP/1.1 says its host (RFC 9112 section 3.2)."""
        if self._scope.http_version == _NAMES_HOSTS and "host" not in self._headers:
            raise BadRequest("The request has no Host header (RFC 9112 section 3.2).", param="host")

    async def _read_body(self, length: int, limit: int) -> bytes:
        try:
            if length >= 0:
                # The server keeps to the length that was declared.
                read = self._protocol
                return await read()
            return await self._read_counting(limit)
        except ProtocolClosed:
            raise ClientLeftError from None

    async def _read_counting(self, limit: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in self._protocol:
            parts.append(part)
            size += len(part)
            if size > limit:
                raise too_large(limit)
        return b"".join(parts)

    async def wait_until_gone(self) -> None:
        """See Exchange.wait_until_gone."""
        await self._protocol.client_disconnect()

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """See Exchange.answer; the server itself adds the length."""
        self.is_begun = self.is_ended = True
        self._protocol.response_bytes(status, headers, body)

    async def begin(self, status: int, headers: Headers) -> None:
        """See Exchange.begin."""
        self.is_begun = True
        self._transport = self._protocol.response_stream(status, headers)

    async def write(self, chunk: bytes) -> None:
        """See Exchange.write."""
        if self._transport is not None:
            try:
                await self._transport.send_bytes(chunk)
            except ProtocolClosed:
                # Whoever watches `wait_until_gone` is told; nothing more can be written.
                self._transport = None

    async def end(self, last: bytes = b"") -> None:
        """See Exchange.end; without its transport the answer is complete."""
        if not self.is_ended:
            self.is_ended = True
            if last:
                await self.write(last)
            self._transport = None


@lru_cache(256)
def _names_host(text: str) -> bool:
    """Whether this has the form of a host; nearly all requests name the same few."""
    return _HOST.fullmatch(text) is not None


def _check_values(names: list[str], headers: Mapping[str, str]) -> None:
    for name in names:
        if name not in headers and name.startswith(_ACTED_ON) and name != _CALL_ID:
            raise BadRequest(
                f"The header '{name}' holds characters other than visible ASCII; send them in the body.",
                param=name,
            )
