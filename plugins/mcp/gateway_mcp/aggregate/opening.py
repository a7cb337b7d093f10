"""How a client begins with several servers: the handshake, or the question what there is."""

import asyncio
from collections.abc import Mapping
from typing import cast

from gateway.errors import GatewayError, UpstreamError
from gateway_mcp.aggregate.asked import Asked, Part
from gateway_mcp.aggregate.lists import MISSING, finish
from gateway_mcp.conversation import read_answer
from gateway_mcp.courses import Course
from gateway_mcp.made import Made, json_answer
from gateway_mcp.passing_on import UpstreamRefusalError
from gateway_mcp.revisions import read_agreed
from gateway_mcp.sessions import SESSION, Sessions
from gateway_mcp.upstreams import Upstream
from gateway_mcp.wire import (
    CLIENT,
    HANDSHAKE,
    HANDSHAKES,
    MODERN,
    Object,
    request_message,
    result_message,
)

__all__ = ["answer_discover", "answer_initialize"]

_SECONDS = 10.0
_OK = 200
_OFFERED: Object = {
    "tools": {"listChanged": True},
    "prompts": {"listChanged": True},
    "resources": {"listChanged": True, "subscribe": True},
    "completions": {},
    "logging": {},
}
_Opened = tuple[Part, Object] | GatewayError
_WITHOUT_SESSION: _Opened = (Part(MODERN), {"capabilities": {"tools": {}, "prompts": {}, "resources": {}}})


async def answer_initialize(asked: Asked, sessions: Sessions, owner: str, place: str) -> Made:
    """Shake hands with every server at once; what is agreed on with each is in the session's id.

    Raises UpstreamRefusalError for a server that has refused the client's token.
    """
    wished = asked.params.get("protocolVersion")
    revision = wished if wished in HANDSHAKES else HANDSHAKE
    opened = await asyncio.gather(*(_open(asked, upstream) for upstream in asked.upstreams))
    found = dict(zip(asked.upstreams, opened, strict=True))
    parts = {one.id: each[0].write() for one, each in found.items() if not isinstance(each, GatewayError)}
    said = [each[1] for each in found.values() if not isinstance(each, GatewayError)]
    result: Object = {
        "protocolVersion": revision,
        "capabilities": _merge([one.get("capabilities") for one in said]),
        "serverInfo": CLIENT,
        **_instruct(found),
        **_missing(found),
    }
    session = sessions.close(owner, place, parts)
    return json_answer(result_message(asked.identifier, result), headers=((SESSION, session),))


async def answer_discover(asked: Asked) -> Made:
    """What there is for a client without sessions; servers that have only sessions are asked in its place."""
    result: Object = {
        "supportedVersions": [MODERN],
        "capabilities": _OFFERED,
        "serverInfo": CLIENT,
        **_instruct(dict.fromkeys(asked.upstreams, (Part(MODERN), {}))),
        "ttlMs": 0,
        "cacheScope": "private",
    }
    return json_answer(result_message(asked.identifier, finish(asked, result)))


async def _open(asked: Asked, upstream: Upstream) -> _Opened:
    try:
        async with asyncio.timeout(min(_SECONDS, upstream.settings.timeout)):
            return await _shake_hands(asked, upstream)
    except TimeoutError:
        return UpstreamError("It took too long.")
    except UpstreamRefusalError as error:
        if upstream.settings.forwards_tokens:
            return error
        raise
    except GatewayError as error:
        return error


async def _shake_hands(asked: Asked, upstream: Upstream) -> _Opened:
    pinned = upstream.settings.protocol_version
    if pinned == MODERN:
        return _WITHOUT_SESSION
    params = asked.params if pinned is None else {**asked.params, "protocolVersion": pinned}
    body = request_message(asked.identifier, "initialize", params, is_modern=False)
    async with asked.sent(upstream, body, {}) as stream:
        if stream.status == _OK:
            message = await read_answer(stream, asked.identifier, Course())
            result = None if message is None else message.get("result")
            if isinstance(result, dict):
                session = next((value for name, value in stream.headers if name == SESSION), "")
                agreed = cast("Object", result)
                return Part(read_agreed(agreed, upstream.name, pinned), session), agreed
    conversation = await asked.listings.converse(upstream, asked.context)
    if await conversation.is_modern():
        return _WITHOUT_SESSION
    return UpstreamError("It refused the handshake.")


def _merge(capabilities: list[object]) -> Object:
    """What any of the servers can do that goes through the gateway."""
    merged: Object = {}
    for one in capabilities:
        for name, details in (cast("Object", one) if isinstance(one, dict) else {}).items():
            if name in _OFFERED and isinstance(details, dict):
                known = merged.setdefault(name, {})
                for detail, value in cast("Object", details).items():
                    known[detail] = known.get(detail) or value
    return merged


def _instruct(found: Mapping[Upstream, _Opened]) -> Object:
    """What the operator says of the servers, else what they say themselves."""
    said = [
        one.settings.instructions or each[1].get("instructions")
        for one, each in found.items()
        if not isinstance(each, GatewayError)
    ]
    texts = [text for text in said if isinstance(text, str) and text]
    return {"instructions": "\n\n".join(texts)} if texts else {}


def _missing(found: dict[Upstream, _Opened]) -> Object:
    missing = [
        {"server": upstream.name, "reason": each.message}
        for upstream, each in found.items()
        if isinstance(each, GatewayError)
    ]
    return {"_meta": {MISSING: missing}} if missing else {}
