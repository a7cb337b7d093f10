"""Servers that want each request signed over its body."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any, Protocol

import msgspec

from gateway.clock import Clock
from gateway.hooks import Forwarder, ForwardRequest, UpstreamStream
from gateway_mcp.oauth.network import origin_of
from gateway_mcp.transports.asking import CredentialRefusedError
from gateway_mcp.upstreams import Upstream

__all__ = ["SigningForwarder", "Signs"]

_MODULE = "gateway_mcp.transports.sigv4"
_REFUSED = frozenset({401, 403})
_REPLACED = frozenset({"authorization", "x-amz-date", "x-amz-security-token"})


class Signs(Protocol):
    """What signs requests."""

    async def sign(self, method: str, url: str, kind: str, body: bytes) -> Mapping[str, str]:
        """The headers of a signature; `kind` is the content type, empty for a request without a body."""
        ...


class SigningForwarder:
    """A `gateway.hooks.Forwarder` that signs what it sends to the server's own host, as it is sent."""

    def __init__(self, forwarder: Forwarder, upstream: Upstream, clock: Clock) -> None:
        self._forwarder = forwarder
        self._upstream = upstream
        self._clock = clock
        self._opening = asyncio.Lock()
        self._signer: Signs | None = None

    @asynccontextmanager
    async def forward(self, request: ForwardRequest) -> AsyncGenerator[UpstreamStream]:
        """Send a request, whole.

        Raises UpstreamError where there is nothing to sign with, CredentialRefusedError where AWS says no.
        """
        settings = self._upstream.settings
        sent = request
        if origin_of(request.url) == origin_of(settings.url):
            signer, body = self._signer or await self._open(), await _read(request)
            headers = {name: value for name, value in request.headers if name not in _REPLACED}
            kind = headers.get("content-type", "")
            headers |= await signer.sign(request.method, request.url, kind, body or b"")
            sent = msgspec.structs.replace(request, headers=tuple(headers.items()), body=body)
        async with self._forwarder.forward(sent) as stream:
            if sent is not request and stream.status in _REFUSED:
                # As it stands a client would take it for its own key's.
                raise CredentialRefusedError(
                    f"The MCP server '{self._upstream.name}' refuses the signature of the gateway "
                    f"({stream.status}). An administrator can check the settings that begin with 'aws_'.",
                    param="mcp_server",
                )
            yield stream

    async def _open(self) -> Signs:
        async with self._opening:
            if self._signer is not None:
                return self._signer
            # The library takes a second to import: only who signs waits for it, and nobody else.
            module: Any = await asyncio.to_thread(import_module, _MODULE)
            signer: Signs = module.SigV4(self._upstream, self._clock)
            self._signer = signer
            return signer


async def _read(request: ForwardRequest) -> bytes | None:
    """The body as it will be sent: a signature is over all of it."""
    body = request.body
    return body if isinstance(body, bytes | None) else b"".join([piece async for piece in body])
