"""One HTTP POST of JSON to an address that the operator configured, with a deadline for all of it."""

import asyncio
import ssl
from urllib.parse import urlsplit

import msgspec

__all__ = ["Address", "PostRefused", "parse_address", "post_json"]

_LONGEST_STATUS_LINE = 4_096


class PostRefused(Exception):
    """The receiver did not answer with a 2xx status."""


class Address(msgspec.Struct, frozen=True):
    """Where to post. The target holds a credential with Slack and others, so it does not show itself."""

    host: str
    port: int
    is_tls: bool
    target: str
    authority: str

    def __repr__(self) -> str:
        return f"Address({self.host!r}, {self.port})"


def parse_address(url: str) -> Address:
    """Read an http or https URL; raises ValueError, without the URL in its message."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not url.isascii() or " " in url:
        raise ValueError("Expected an address that begins with https:// or http://.")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    authority = parts.netloc.rpartition("@")[2]
    return Address(parts.hostname, port, parts.scheme == "https", target, authority)


async def post_json(address: Address, body: object, *, seconds: float) -> None:
    """Post, and read the status of the answer; redirects are not followed.

    Raises PostRefused, OSError, and TimeoutError when it took longer than `seconds` in all.
    """
    data = msgspec.json.encode(body)
    head = (
        f"POST {address.target} HTTP/1.1\r\nhost: {address.authority}\r\nconnection: close\r\n"
        f"content-type: application/json\r\ncontent-length: {len(data)}\r\nuser-agent: gatewright\r\n\r\n"
    )
    async with asyncio.timeout(seconds):
        context = ssl.create_default_context() if address.is_tls else None
        reader, writer = await asyncio.open_connection(
            address.host, address.port, ssl=context, limit=_LONGEST_STATUS_LINE
        )
        try:
            writer.write(head.encode() + data)
            await writer.drain()
            status = await _read_status(reader)
        finally:
            writer.transport.abort()
    if not 200 <= status < 300:  # noqa: PLR2004  the class of statuses
        raise PostRefused(f"The receiver answered with status {status}.")


async def _read_status(reader: asyncio.StreamReader) -> int:
    try:
        line = await reader.readuntil(b"\r\n")
        return int(line.split(b" ", 2)[1])
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, IndexError, ValueError):
        raise PostRefused("The receiver did not answer in HTTP.") from None
