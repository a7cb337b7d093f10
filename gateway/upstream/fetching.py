"""Reading what other servers publish: one GET with bounds, over the library of the fast client."""

from collections.abc import Mapping
from datetime import timedelta

import msgspec
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError

from gateway.errors import ServiceUnavailable
from gateway.upstream.client import CONNECT_SECONDS

__all__ = ["Fetcher"]

_SECONDS = 5.0
_MOST_BYTES = 1024 * 1024
_OK = 200
_decode = msgspec.json.Decoder(dict[str, object]).decode


class Fetcher:
    """Reads documents of servers that the operator named; redirects are not followed. Close it at the end.

    Its connections are its own: a slow server of documents takes nothing from model requests.
    """

    def __init__(self) -> None:
        self._client: Client | None = None

    async def fetch(self, url: str) -> bytes:
        """Return the body of a 200 answer of at most a megabyte.

        Raises ServiceUnavailable, without the address in its message, for anything else, and when it takes
        longer than five seconds.
        """
        if self._client is None:
            self._client = _build_client()
        try:
            async with (
                self._client.get(url).timeout(timedelta(seconds=_SECONDS)).build_streamed() as response
            ):
                if response.status != _OK:
                    raise ServiceUnavailable(f"A server answered with status {response.status}.")
                reader, body = response.body_reader, bytearray()
                while (chunk := await reader.read_chunk()) is not None:
                    body += chunk
                    if len(body) > _MOST_BYTES:
                        raise ServiceUnavailable("The answer of a server is too large.")
                return bytes(body)
        except (PyreqwestError, ValueError) as error:
            raise ServiceUnavailable(f"A server cannot be read: {type(error).__name__}.") from None

    async def read_object(self, url: str) -> Mapping[str, object]:
        """Return the JSON object at an address; raises ServiceUnavailable also for what is none."""
        try:
            return _decode(await self.fetch(url))
        except (msgspec.DecodeError, RecursionError):
            raise ServiceUnavailable("A server answered with something else than a JSON object.") from None

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.close()


def _build_client() -> Client:
    return (
        ClientBuilder()
        .no_proxy()
        .follow_redirects(False)
        .gzip(False)
        .brotli(False)
        .zstd(False)
        .deflate(False)
        .referer(False)
        .user_agent("gatewright")
        .connect_timeout(timedelta(seconds=CONNECT_SECONDS))
        .build()
    )
