"""Reads what strangers publish: on public networks, by https, and not much of it."""

import re
from collections.abc import Mapping

import msgspec

from gateway.errors import GatewayError, ServiceUnavailable
from gateway.hooks import Forwarder, ForwardRequest

__all__ = ["Published"]

_SECONDS, _BYTES, _OK = 5.0, 64 * 1024, 200
_HEADERS = (("accept", "application/json"), ("accept-encoding", "identity"))
_JSON = re.compile(r"application/(?:[a-z0-9!#$&^_.-]+\+)?json")
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
                is_told = stream.status == _OK and _is_json(dict(stream.headers))
                while is_told and (chunk := await stream.read_chunk()):
                    chunks.append(chunk)
            return _decode(b"".join(chunks))
        except (GatewayError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise ServiceUnavailable("There is no JSON object at this address.") from None


def _is_json(headers: Mapping[str, str]) -> bool:
    """Whether an answer says that it is JSON: where people may leave pages, theirs are others."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return _JSON.fullmatch(kind) is not None
