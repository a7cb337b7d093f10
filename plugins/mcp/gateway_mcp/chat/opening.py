"""How a stream of a model begins, and what is said where it does not."""

from contextlib import AbstractAsyncContextManager

from gateway.hooks import UpstreamStream
from gateway_mcp.chat.offers import Refused, read_whole
from gateway_mcp.made import Made

__all__ = ["open_stream", "tell_refused"]

_OK = 200


async def open_stream(opening: AbstractAsyncContextManager[UpstreamStream]) -> UpstreamStream:
    """Open an answer. Raises Refused for one that is no stream."""
    stream = await opening.__aenter__()
    kind = next((value for name, value in stream.headers if name == "content-type"), "")
    if stream.status != _OK or not kind.startswith("text/event-stream"):
        answer = Made(stream.status, stream.headers, await read_whole(stream))
        await opening.__aexit__(None, None, None)
        raise Refused(answer)
    return stream


async def tell_refused(refused: Refused) -> bytes:
    """An error in the form of an event."""
    return b"data: " + (await refused.answer.read_chunk()).replace(b"\n", b" ") + b"\n\n"
