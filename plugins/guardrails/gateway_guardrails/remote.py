"""How guardrails ask services: one JSON question and one JSON answer over HTTP, bounded in size."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.request import StreamRequest

from gateway.sdk import Content, Piece, PieceKind

__all__ = ["Asking", "RemoteError", "Service", "check_address", "readable", "texts_of"]

_MOST_BYTES = 8 * 1024 * 1024
_CONNECT_SECONDS = 5
_SUCCESS = range(200, 300)
_Answer = TypeVar("_Answer")
_encode = msgspec.json.Encoder().encode


class RemoteError(Exception):
    """A service did not say what becomes of the content. The text names neither address nor credential."""


class Asking(msgspec.Struct, frozen=True):
    """How one question is put: within so many seconds, and with further headers."""

    seconds: float
    headers: Mapping[str, str] = {}


class Service:
    """A service below one address, to which `headers` are sent; follows no redirect, knows no proxy."""

    def __init__(self, base: str, headers: Mapping[str, str] = {}) -> None:
        """Raises ValueError for what is no address."""
        check_address(base)
        self._base = base.rstrip("/")
        self._headers = dict(headers)
        self._client: Client | None = None

    # Addresses may hold credentials, and so do headers.
    __repr__ = object.__repr__

    async def ask(self, path: str, question: object, answer: type[_Answer], asking: Asking) -> _Answer:
        """Post a question; return the answer, decoded.

        Raises RemoteError for one that is none: of another status than 2xx, too large, or of another form.
        """
        return await self.send(path, _encode(question), answer, asking)

    async def send(self, path: str, body: bytes, answer: type[_Answer], asking: Asking) -> _Answer:
        """As `ask`, with a body that is encoded already."""
        self._client = self._client or _build_client()
        request = self._client.post(f"{self._base}{path}").headers(
            {"content-type": "application/json", **self._headers, **asking.headers}
        )
        # The library goes on with a call that nobody waits for any more, unless it has a time of its own.
        request = request.timeout(timedelta(seconds=asking.seconds)).body_bytes(body)
        status, data = await _read(request.build_streamed())
        if status not in _SUCCESS:
            raise RemoteError(f"its service answered {status}")
        try:
            return msgspec.json.decode(data, type=answer)
        except (msgspec.DecodeError, UnicodeDecodeError):
            # What it answered may repeat what it was shown.
            raise RemoteError("its service answered something else than its protocol says") from None


async def _read(request: StreamRequest) -> tuple[int, bytes]:
    data = bytearray()
    try:
        async with request as response:
            while chunk := await response.body_reader.read():
                data += bytes(chunk)
                if len(data) > _MOST_BYTES:
                    raise RemoteError(f"its service answered more than {_MOST_BYTES} bytes")
            return response.status, bytes(data)
    except PyreqwestError as error:
        raise RemoteError(f"its service cannot be asked ({type(error).__name__})") from None


def check_address(text: str) -> None:
    """Raise ValueError unless a text is an address of http or https without a user."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise ValueError("'api_base' is an address that begins with http:// or https://, without a user")


def readable(content: Content, *kinds: PieceKind) -> list[tuple[int, Piece]]:
    """The pieces that people and models read, each with its place; only of these kinds, if any is named."""
    return [(place, piece) for place, piece in content.texts() if not kinds or piece.kind in kinds]


def texts_of(pieces: Sequence[tuple[int, Piece]]) -> list[str]:
    """Their texts."""
    return [piece.text for _, piece in pieces]


def _build_client() -> Client:
    return (
        ClientBuilder()
        .no_proxy()
        .follow_redirects(False)
        .referer(False)
        .user_agent("gatewright")
        .connect_timeout(timedelta(seconds=_CONNECT_SECONDS))
        .build()
    )
