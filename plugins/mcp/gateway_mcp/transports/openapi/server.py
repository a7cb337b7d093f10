"""A service by its OpenAPI document."""

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import cast
from urllib.parse import urljoin, urlsplit

import msgspec

from gateway.clock import Clock
from gateway.errors import UpstreamError, UpstreamGarbled
from gateway.hooks import Forwarder, ForwardRequest, HeaderPairs, UpstreamStream
from gateway_mcp.conversation import RefusedError
from gateway_mcp.faults import ServerUnreachableError
from gateway_mcp.transports.local import Tell
from gateway_mcp.transports.openapi.document import read_document
from gateway_mcp.transports.openapi.operations import Operation, list_operations
from gateway_mcp.transports.openapi.requests import ArgumentsError, build_call
from gateway_mcp.upstreams import Upstream
from gateway_mcp.wire import INVALID_PARAMS, METHOD_NOT_FOUND, Object

__all__ = ["OpenApiServer"]

_DOCUMENT_BYTES = 16 * 1024 * 1024
_ANSWER_BYTES = 8 * 1024 * 1024
_FIRST_FAILURE = 300
"""Redirects are not followed."""
_FRESH_NANOS = 3_600_000_000_000
_NOT_PASSED = frozenset(
    {"accept", "accept-encoding", "content-length", "content-type", "host", "last-event-id", "traceparent"}
)


class _Service(msgspec.Struct, frozen=True):
    """What the document says: where the service is, what it is, and its tools."""

    address: str
    title: str
    version: str
    operations: dict[str, Operation]
    ends_at: int


class OpenApiServer:
    """A `LocalServer` whose tools are requests to a service; the document is read anew every hour."""

    def __init__(self, upstream: Upstream, forwarder: Forwarder, clock: Clock) -> None:
        self._upstream = upstream
        self._forwarder = forwarder
        self._clock = clock
        self._service: _Service | None = None
        self._reading = asyncio.Lock()

    async def describe(self, headers: HeaderPairs) -> Object:
        """See LocalServer."""
        del headers
        service = await self._read()
        return {
            "capabilities": {"tools": {"listChanged": False}},
            "serverInfo": {"name": service.title, "version": service.version},
        }

    async def ask(self, method: str, params: Object, headers: HeaderPairs, tell: Tell) -> Object:
        """See LocalServer; the headers go along with the request of a tool."""
        del tell
        sent = tuple((name, value) for name, value in headers if _is_passed(name))
        service = await self._read()
        if method == "tools/list":
            return {"tools": [operation.describe() for operation in service.operations.values()]}
        if method != "tools/call":
            raise RefusedError({"code": METHOD_NOT_FOUND, "message": "This server has tools only."})
        operation = service.operations.get(str(params.get("name")))
        if operation is None:
            raise RefusedError({"code": INVALID_PARAMS, "message": "There is no such tool."})
        arguments = params.get("arguments")
        given = cast("Object", arguments) if isinstance(arguments, dict) else {}
        return await self._call(service, operation, given, sent)

    async def _call(
        self, service: _Service, operation: Operation, arguments: Object, headers: HeaderPairs
    ) -> Object:
        try:
            call = build_call(operation, arguments)
        except ArgumentsError as error:
            return _result(str(error), is_error=True)
        # What the operator has set wins over what a model has chosen.
        sent = dict((("accept", "application/json, */*;q=0.5"), *call.headers, *headers))
        async with self._sent(operation.method, service.address + call.target, sent, call.body) as stream:
            data = await _read_all(stream, _ANSWER_BYTES)
            return _answer(stream.status, data)

    def _sent(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None
    ) -> AbstractAsyncContextManager[UpstreamStream]:
        seconds = self._upstream.settings.timeout
        request = ForwardRequest(
            method=method,
            url=url,
            headers=tuple({**headers, "accept-encoding": "identity"}.items()),
            body=body,
            timeout_seconds=seconds,
            silence_seconds=seconds,
            max_response_bytes=_DOCUMENT_BYTES,
        )
        return self._forwarder.forward(request)

    async def _read(self) -> _Service:
        async with self._reading:
            known = self._service
            if known is None or self._clock.monotonic_nanos() >= known.ends_at:
                try:
                    self._service = await self._build()
                except UpstreamError:
                    if known is None:
                        raise
                    self._service = msgspec.structs.replace(known, ends_at=self._next())
            return cast("_Service", self._service)

    async def _build(self) -> _Service:
        document = read_document(await self._load())
        information = document.read_object(document.root.get("info"))
        return _Service(
            address=self._find_address(document.read_objects(document.root.get("servers"))),
            title=str(information.get("title") or self._upstream.name),
            version=str(information.get("version") or "0"),
            operations={one.tool: one for one in list_operations(document)},
            ends_at=self._next(),
        )

    def _next(self) -> int:
        return self._clock.monotonic_nanos() + _FRESH_NANOS

    async def _load(self) -> bytes:
        place, name = self._upstream.settings.spec_path, self._upstream.name
        if not place.startswith(("http://", "https://")):
            try:
                return await asyncio.to_thread(Path(place).read_bytes)
            except OSError:
                raise ServerUnreachableError(
                    f"The document of the MCP server '{name}' cannot be read."
                ) from None
        settings = self._upstream.settings
        # All callers share the document, and a credential is for the service: elsewhere it is not sent.
        is_there = urlsplit(place)[:2] == urlsplit(settings.url)[:2]
        async with self._sent("GET", place, settings.headers() if is_there else {}, None) as stream:
            if stream.status != 200:  # noqa: PLR2004  OK
                raise UpstreamError(f"The document of the MCP server '{name}' was answered {stream.status}.")
            return await _read_all(stream, _DOCUMENT_BYTES)

    def _find_address(self, servers: list[Object]) -> str:
        """Where the service is: what the operator says, else what the document says first."""
        settings = self._upstream.settings
        stated = str(servers[0].get("url", "")) if servers else ""
        address = settings.url or urljoin(settings.spec_path, stated)
        if not address.startswith(("http://", "https://")) or "{" in address:
            raise UpstreamGarbled(
                f"The MCP server '{self._upstream.name}' needs 'url': its document has none."
            )
        return address.rstrip("/")


async def _read_all(stream: UpstreamStream, most: int) -> bytes:
    chunks, left = list[bytes](), most
    while chunk := await stream.read_chunk():
        chunks.append(chunk)
        left -= len(chunk)
        if left < 0:
            raise UpstreamGarbled("The answer is larger than any that is read.")
    return b"".join(chunks)


def _is_passed(name: str) -> bool:
    return name not in _NOT_PASSED and not name.startswith("mcp-")


def _answer(status: int, data: bytes) -> Object:
    text = data.decode(errors="replace")
    if status >= _FIRST_FAILURE:
        return _result(f"The service answered {status}. {text}".strip(), is_error=True)
    result = _result(text, is_error=False)
    try:
        value: object = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return result
    return {**result, "structuredContent": value} if isinstance(value, dict) else result


def _result(text: str, *, is_error: bool) -> Object:
    return {"content": [{"type": "text", "text": text}], "isError": is_error}
