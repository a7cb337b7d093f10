"""Heads of requests, and of answers."""

import re
from collections.abc import Iterable

import msgspec

from gateway.hooks import HeaderPairs
from gateway.upstream.http1.addresses import Address

__all__ = ["END", "MOST_BYTES", "AnswerHead", "is_beginning", "list_values", "read_head", "write_head"]

END = b"\r\n\r\n"
MOST_BYTES = 64 * 1024
_NAME = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SENT = re.compile(rf"(?:{_NAME}: [^\x00-\x08\x0a-\x1f\x7f]*\r\n)*")
_METHOD = re.compile(_NAME)
_HEAD = re.compile(
    rf"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: [^\r\n\x00]*)?\r\n((?:{_NAME}:[^\r\n\x00]*\r\n)*)\r\n"
)
_FIELD = re.compile(r"([^:\r\n]+):[ \t]*([^\r\n]*?)[ \t]*\r\n")
_VERSION = b"HTTP/1."
_FRAMING = frozenset({"content-length", "transfer-encoding"})
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "CONNECT"})


class AnswerHead(msgspec.Struct, frozen=True):
    """The head of an answer, names in lower case; after one that `is_last` the connection is closed."""

    status: int
    headers: HeaderPairs
    is_last: bool


def write_head(
    method: str, address: Address, headers: HeaderPairs, length: int | None, *, has_body: bool
) -> bytes:
    """The head of a request whose body has this length, or comes in chunks. Raises ValueError."""
    named = {name.lower() for name, _ in headers}
    fields = [f"{name}: {value}\r\n" for name, value in headers if name.lower() not in _FRAMING]
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


def is_beginning(data: bytes) -> bool:
    """Whether an answer may begin like this."""
    return data.startswith(_VERSION[: len(data)])


def read_head(data: bytes) -> AnswerHead:
    """Read a head, the blank line at its end included. Raises ValueError."""
    found = _HEAD.fullmatch(data.decode("utf-8", "surrogateescape"))
    if found is None:
        raise ValueError("no head")
    minor, status, fields = found.groups()
    headers = tuple([(name.lower(), value) for name, value in _FIELD.findall(fields)])
    return AnswerHead(int(status), headers, _is_last(minor, list_values(headers, "connection")))


def _is_last(minor: str, connection: Iterable[str]) -> bool:
    options = {option.strip().lower() for value in connection for option in value.split(",")}
    return "close" in options or (minor == "0" and "keep-alive" not in options)


def list_values(headers: HeaderPairs, name: str) -> list[str]:
    """All values of a header."""
    return [value for each, value in headers if each == name]
