"""Where an address leads, and what the request line says of it."""

import base64
import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec

__all__ = ["Address", "Origin", "read_address"]

_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[!-~]+")
_TARGET = re.compile(r"/[!-~]*")


class Origin(NamedTuple):
    """What a connection leads to."""

    is_tls: bool
    host: str
    port: int


class Address(msgspec.Struct, frozen=True):
    """An address, taken apart; `host` and `credential` are what the head of a request says of it."""

    origin: Origin
    target: str
    host: str
    credential: str


def read_address(url: str) -> Address:
    """Take an address apart; its path and its query stay as they stand. Raises ValueError."""
    parts = urlsplit(url)
    port = _PORTS.get(parts.scheme, -1)
    host = (parts.hostname or "").encode("idna").decode()
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if port < 0 or not _HOST.fullmatch(host) or not _TARGET.fullmatch(target):
        raise ValueError("no address")
    shown = f"[{host}]" if ":" in host else host
    stated = parts.port
    if stated is not None and stated != port:
        port, shown = stated, f"{shown}:{stated}"
    return Address(Origin(parts.scheme == "https", host, port), target, shown, _credential(parts.netloc))


def _credential(netloc: str) -> str:
    """What a user in the address comes to (RFC 7617); empty without one."""
    user, at, _ = netloc.rpartition("@")
    if not at:
        return ""
    name, _, password = user.partition(":")
    return "Basic " + base64.b64encode(f"{unquote(name)}:{unquote(password)}".encode()).decode()
