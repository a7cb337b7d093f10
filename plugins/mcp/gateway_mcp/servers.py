"""The addresses of allowed MCP servers, and whether an address that a client names is one of them."""

from urllib.parse import SplitResult, urlsplit

import msgspec

__all__ = ["AllowedServer", "is_inside"]

_HTTPS_PORT = 443
_AMBIGUOUS = " \\;#"
"""Characters that parsers treat differently, or that begin a fragment."""


class AllowedServer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One MCP server, or several below one path.

    `url` is https, an origin and a path; what lies below the path is allowed too. With a `label` only
    requests that give the server this label are allowed.
    """

    url: str
    label: str | None = None

    def __post_init__(self) -> None:
        if _split(self.url) is None:
            raise ValueError(f"'{self.url}' is not a plain https address (https://host/path)")


def is_inside(url: str, allowed: AllowedServer) -> bool:
    """Whether an address has the allowed origin and lies at or below the allowed path.

    An address that two parsers could read differently is never inside: one with credentials, a fragment, a
    backslash, a semicolon or white space, or with percent signs or dot segments in its path. A
    query must be the allowed one.
    """
    asked, granted = _split(url), _split(allowed.url)
    if asked is None or granted is None:
        return False
    if _origin(asked) != _origin(granted) or asked.query != granted.query:
        return False
    prefix = granted.path.rstrip("/")
    return asked.path.rstrip("/") == prefix or asked.path.startswith(prefix + "/")


def _split(url: str) -> SplitResult | None:
    """The parts of a plain https address, else None."""
    if not (url.isascii() and url.isprintable()) or set(_AMBIGUOUS) & set(url):
        return None
    try:
        parts = urlsplit(url)
        is_plain = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    if not is_plain or "@" in parts.netloc or "%" in parts.netloc + parts.path:
        return None
    return None if {".", ".."} & set(parts.path.split("/")) else parts


def _origin(parts: SplitResult) -> tuple[str, int]:
    return (parts.hostname or "").rstrip("."), parts.port or _HTTPS_PORT
