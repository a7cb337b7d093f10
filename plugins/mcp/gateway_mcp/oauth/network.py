"""Asks authorization servers, each by a client that may reach it."""

from collections.abc import Mapping
from typing import cast
from urllib.parse import urlencode, urlsplit

import msgspec

from gateway.errors import UpstreamGarbled
from gateway.hooks import Forwarder, ForwardRequest, HeaderPairs
from gateway_mcp.transports.naming import NamingForwarder
from gateway_mcp.upstreams import Upstream

__all__ = ["Answer", "Network", "origin_of"]

_SECONDS = 10.0
_BYTES = 256 * 1024
_PORTS = {"http": 80, "https": 443}
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"


class Answer(msgspec.Struct, frozen=True):
    """What an authorization server has answered; a redirect is an answer as well, and is not followed."""

    status: int
    headers: HeaderPairs
    body: bytes

    __repr__ = object.__repr__

    @property
    def is_good(self) -> bool:
        """Whether it is what was asked for."""
        return self.status in (200, 201)

    @property
    def document(self) -> dict[str, object]:
        """The members of the answer; none of one that is no JSON object."""
        try:
            said: object = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return {}
        members = cast("dict[str, object]", said) if isinstance(said, dict) else {}
        return {name: value for name, value in members.items() if value is not None}


class Network:
    """Reaches the hosts that the operator has named wherever they are, and others on public networks only."""

    def __init__(self, forwarder: Forwarder, guarded: Forwarder) -> None:
        """`guarded` reaches public networks, and those that the operator allows beside them."""
        self._forwarder = forwarder
        self._guarded = guarded

    async def read(self, upstream: Upstream, url: str) -> Answer:
        """What is at an address. Raises UpstreamError, UpstreamGarbled for an address that is none."""
        return await self._send(upstream, "GET", url, {}, None)

    async def post_form(
        self, upstream: Upstream, url: str, fields: Mapping[str, str], headers: Mapping[str, str]
    ) -> Answer:
        """Post a form, likewise."""
        sent = {"content-type": _FORM, **headers}
        return await self._send(upstream, "POST", url, sent, urlencode(fields).encode())

    async def post_json(
        self, upstream: Upstream, url: str, body: object, headers: Mapping[str, str]
    ) -> Answer:
        """Post a JSON document, likewise."""
        sent = {"content-type": _JSON, **headers}
        return await self._send(upstream, "POST", url, sent, msgspec.json.encode(body))

    async def _send(
        self, upstream: Upstream, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        _check(url, upstream)
        sent = {"accept": _JSON, "accept-encoding": "identity", **headers}
        request = ForwardRequest(
            method=method,
            url=url,
            headers=tuple(sent.items()),
            body=body,
            timeout_seconds=_SECONDS,
            silence_seconds=_SECONDS,
            max_response_bytes=_BYTES,
        )
        who = f"the issuer of tokens for the MCP server '{upstream.name}'"
        async with NamingForwarder(self._choose(upstream, url), who).forward(request) as stream:
            chunks: list[bytes] = []
            if not _is_stream(stream.headers):
                while chunk := await stream.read_chunk():
                    chunks.append(chunk)
            return Answer(stream.status, stream.headers, b"".join(chunks))

    def _choose(self, upstream: Upstream, url: str) -> Forwarder:
        named = {origin_of(one) for one in upstream.settings.addresses}
        return self._forwarder if not upstream.is_tenants and origin_of(url) in named else self._guarded


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)


def _is_stream(headers: HeaderPairs) -> bool:
    return any(name == "content-type" and value.startswith("text/event-stream") for name, value in headers)


def _check(url: str, upstream: Upstream) -> None:
    """Raise UpstreamGarbled for an address that is none, or less safe than the server's own."""
    wanted = {"https"} if upstream.settings.url.startswith("https:") else {"http", "https"}
    try:
        parts = urlsplit(url)
        is_plain = bool(parts.hostname) and "@" not in parts.netloc and not parts.fragment
        is_address = is_plain and url.isascii() and url.isprintable() and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or urlsplit(url).scheme not in wanted:
        raise UpstreamGarbled(
            f"For the MCP server '{upstream.name}' an address was named to which no login may lead: it is "
            "none, or not https where the server is."
        )
