"""What servers say to a client, with the server's mark on whatever the client may come back to."""

import re
from collections.abc import Callable
from typing import Any, cast

import msgspec

from gateway.hooks import UpstreamStream
from gateway.wire.sse import EventSplitter, event_payload, replace_payload
from gateway_mcp.names import join_uri
from gateway_mcp.sessions import SESSION
from gateway_mcp.upstreams import Upstream
from gateway_mcp.wire import Object, decode_object

__all__ = ["MarkedStream", "mark_id", "mark_message", "read_event", "read_mark"]

_MARKED = (b'"method"', b'"uri"')
_EVENT = re.compile(rb"(^|[\r\n])id: ?([^\r\n]+)")
_JSON = "application/json"
_NOT_TOLD = frozenset({"content-length", SESSION})
"""The session is the server\'s own: clients take any that they are told for theirs."""


def mark_id(upstream: Upstream, identifier: Any) -> str:
    """The id under which a client is asked what a server asks."""
    return f"{upstream.id} {msgspec.json.encode(identifier).decode()}"


def read_event(identifier: str) -> tuple[str, str]:
    """The id of the server, and its id of the event; empty where there is no mark."""
    server, _, last = identifier.partition(" ")
    return (server, last) if last else ("", "")


def read_mark(identifier: object) -> tuple[str, Any] | None:
    """The id of the server, and the id of its question."""
    if not isinstance(identifier, str):
        return None
    server, _, text = identifier.partition(" ")
    try:
        return (server, msgspec.json.decode(text)) if server else None
    except msgspec.DecodeError:
        return None


def mark_message(upstream: Upstream, message: Object) -> bool:
    """Mark a message; whether anything was to be marked."""
    if "method" in message:
        return _mark_question(upstream, message)
    result = message.get("result")
    return _mark_result(upstream, cast("Object", result)) if isinstance(result, dict) else False


class MarkedStream:
    """A `gateway.hooks.UpstreamStream` of a server's messages, marked; nothing of it waits for what follows.

    `on_change` is called when the server says that its lists have changed.
    """

    def __init__(self, stream: UpstreamStream, upstream: Upstream, on_change: Callable[[], None]) -> None:
        self.status = stream.status
        self.headers = tuple(pair for pair in stream.headers if pair[0] not in _NOT_TOLD)
        kind = next((value for name, value in stream.headers if name == "content-type"), "")
        self._is_json = kind.startswith(_JSON)
        self._stream = stream
        self._upstream = upstream
        self._on_change = on_change
        self._splitter = EventSplitter()
        self._is_over = False

    async def read_chunk(self) -> bytes:
        """The next events, marked; or the whole message, where it comes alone."""
        if self._is_over:
            return b""
        if self._is_json:
            return await self._read_whole()
        while chunk := await self._stream.read_chunk():
            if events := self._splitter.feed(chunk):
                return b"".join(self._mark(event) for event in events)
        self._is_over = True
        return self._mark(self._splitter.finish())

    async def _read_whole(self) -> bytes:
        self._is_over = True
        chunks: list[bytes] = []
        while chunk := await self._stream.read_chunk():
            chunks.append(chunk)
        body = b"".join(chunks)
        return self._mark_payload(body) if body else body

    def _mark(self, event: bytes) -> bytes:
        if b"id:" in event:
            # The client may come back to it, and has to be led to the same server then.
            event = _EVENT.sub(self._mark_event, event)
        if not any(word in event for word in _MARKED):
            return event
        payload = event_payload(event)
        if not payload:
            return event
        marked = self._mark_payload(payload)
        return event if marked is payload else replace_payload(event, marked)

    def _mark_event(self, found: re.Match[bytes]) -> bytes:
        return found[1] + b"id: " + self._upstream.id.encode() + b" " + found[2]

    def _mark_payload(self, payload: bytes) -> bytes:
        if not any(word in payload for word in _MARKED):
            return payload
        message = decode_object(payload)
        if str(message.get("method", "")).endswith("/list_changed"):
            self._on_change()
        return msgspec.json.encode(message) if mark_message(self._upstream, message) else payload


def _mark_question(upstream: Upstream, message: Object) -> bool:
    if "id" in message:
        message["id"] = mark_id(upstream, message["id"])
        return True
    params = message.get("params")
    if message["method"] == "notifications/resources/updated" and isinstance(params, dict):
        return _mark_uri(upstream, params)
    return False


def _mark_result(upstream: Upstream, result: Object) -> bool:
    """Mark the addresses of resources in what a tool, a prompt or a resource came to."""
    found = [_mark_uri(upstream, item) for item in _objects(result.get("contents"))]
    messages = _objects(result.get("messages"))
    content = [
        *_objects(result.get("content")),
        *(item for one in messages for item in _objects(one.get("content"))),
    ]
    for item in content:
        resource = item.get("resource")
        if item.get("type") == "resource_link":
            found.append(_mark_uri(upstream, item))
        elif isinstance(resource, dict):
            found.append(_mark_uri(upstream, resource))
    return any(found)


def _mark_uri(upstream: Upstream, holder: Any) -> bool:
    uri = holder.get("uri")
    if not isinstance(uri, str):
        return False
    holder["uri"] = join_uri(upstream, uri)
    return True


def _objects(value: Any) -> list[Object]:
    """The objects of a list, or the one that stands in the place of a list."""
    items = cast("list[Any]", value) if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]
