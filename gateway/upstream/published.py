"""Reads what strangers publish: on public networks, by https, and not much of it."""

from collections.abc import Mapping

import msgspec

from gateway.errors import GatewayError, ServiceUnavailable
from gateway.hooks import Forwarder, ForwardRequest

__all__ = ["Published"]

_SECONDS, _BYTES, _OK = 5.0, 64 * 1024, 200
_HEADERS = (("accept", "application/json"), ("accept-encoding", "identity"))
_decode = msgspec.json.Decoder(dict[str, object]).decode


class Published:
    """Reads JSON objects; `guarded` looks where an address leads. Redirects are not followed."""

    def __init__(self, guarded: Forwarder) -> None:
        self._guarded = guarded

    async def read_object(self, url: str) -> Mapping[str, object]:
        """The object at an address. Raises ServiceUnavailable where there is none to be had."""
        request = ForwardRequest("GET", url, _HEADERS, None, _SECONDS, _SECONDS, _BYTES)
        try:
            async with self._guarded.forward(request) as stream:
                chunks: list[bytes] = []
                while stream.status == _OK and (chunk := await stream.read_chunk()):
                    chunks.append(chunk)
            return _decode(b"".join(chunks))
        except (GatewayError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise ServiceUnavailable("There is no JSON object at this address.") from None
