"""Heads of requests."""

import re

from gateway.hooks import HeaderPairs
from gateway.upstream.http1.addresses import Address

__all__ = ["list_values", "write_head"]

_NAME = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SENT = re.compile(rf"(?:{_NAME}: [^\x00-\x08\x0a-\x1f\x7f]*\r\n)*")
_METHOD = re.compile(_NAME)
_FRAMING = frozenset({"content-length", "transfer-encoding"})
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "CONNECT"})


def write_head(
    method: str, address: Address, headers: HeaderPairs, length: int | None, *, has_body: bool
) -> bytes:
    """The head of a request whose body has this length, or comes in chunks. Raises ValueError."""
    named = set(dict(headers))
    if not all(map(str.islower, named)):
        named = {name.lower() for name in named}
    if not _FRAMING.isdisjoint(named):
        headers = tuple(pair for pair in headers if pair[0].lower() not in _FRAMING)
    fields = [f"{name}: {value}\r\n" for name, value in headers]
    if "user-agent" not in named:
        fields.append("user-agent: gatewright\r\n")
    if address.credential and "authorization" not in named:
        fields.append(f"authorization: {address.credential}\r\n")
    if length is None:
        fields.append("transfer-encoding: chunked\r\n")
    elif has_body or method not in _BODILESS:
        fields.append(f"content-length: {length}\r\n")
    text = "".join(fields)
    # A value with a line end in it would be another header.
    is_one_each = text.count("\n") == len(fields)
    if not is_one_each or not _SENT.fullmatch(text) or not _METHOD.fullmatch(method):
        raise ValueError("no header")
    host = "" if "host" in named else f"host: {address.host}\r\n"
    return f"{method} {address.target} HTTP/1.1\r\n{host}{text}\r\n".encode()


def list_values(headers: HeaderPairs, name: str) -> list[str]:
    """All values of a header."""
    return [value for each, value in headers if each == name]
