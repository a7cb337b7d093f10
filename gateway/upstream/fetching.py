"""Reading what other servers publish, and asking them by a form: bounded in time and size."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from urllib.parse import urlencode

import msgspec
from pyreqwest.client import Client
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.request import RequestBuilder

from gateway.errors import ServiceUnavailable
from gateway.upstream.pyreqwest_setup import build_pyreqwest

__all__ = ["Fetcher"]

_SECONDS = 5.0
_MOST_BYTES = 1024 * 1024
_OK, _BROKEN = 200, 500
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_decode = msgspec.json.Decoder(dict[str, object]).decode


class Fetcher:
    """Asks servers that the operator named; redirects are not followed. Close it at the end.

    Its connections are its own: a slow server takes nothing from model requests. An answer has at most a
    megabyte, and five seconds for all of it. Everything raises ServiceUnavailable, without the address in
    its message.
    """

    def __init__(self) -> None:
        self._client: Client | None = None

    async def read_object(self, url: str, headers: Mapping[str, str] = _NO_HEADERS) -> Mapping[str, object]:
        """Return the JSON object at an address that answers 200."""
        status, body = await _ask(self._open().get(url), {"accept": "application/json", **headers})
        if status != _OK:
            raise ServiceUnavailable(f"A server answered with status {status}.")
        return _read(body)

    async def post_form(
        self, url: str, fields: Mapping[str, str], headers: Mapping[str, str]
    ) -> Mapping[str, object]:
        """Post a form, and return the JSON object of the answer, of any status below 500."""
        form = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded", **headers}
        status, body = await _ask(self._open().post(url).body_bytes(urlencode(fields).encode()), form)
        if status >= _BROKEN:
            raise ServiceUnavailable(f"A server answered with status {status}.")
        return _read(body)

    async def ask(self, url: str, headers: Mapping[str, str], body: bytes | None = None) -> tuple[int, bytes]:
        """Return the status and the body of any answer; a question with a body is a POST."""
        client = self._open()
        request = client.get(url) if body is None else client.post(url).body_bytes(body)
        return await _ask(request, headers)

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.close()

    def _open(self) -> Client:
        if self._client is None:
            self._client = build_pyreqwest()
        return self._client


async def _ask(request: RequestBuilder, headers: Mapping[str, str]) -> tuple[int, bytes]:
    prepared = request.headers(tuple(headers.items())).timeout(timedelta(seconds=_SECONDS))
    try:
        async with prepared.build_streamed() as response:
            reader, body = response.body_reader, bytearray()
            while (chunk := await reader.read_chunk()) is not None:
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise ServiceUnavailable("The answer of a server is too large.")
            return response.status, bytes(body)
    except (PyreqwestError, ValueError) as error:
        raise ServiceUnavailable(f"A server cannot be read: {type(error).__name__}.") from None


def _read(body: bytes) -> Mapping[str, object]:
    try:
        return _decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise ServiceUnavailable("A server answered with something else than a JSON object.") from None
