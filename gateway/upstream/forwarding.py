"""What a pass-through sends: an address below the declared one, and headers without the caller's key."""

import base64
import binascii
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from urllib.parse import parse_qsl, quote, unquote_plus, urlencode, urlsplit

from gateway.domain import PassThrough
from gateway.hooks import HeaderPairs
from gateway.settings.pass_through_headers import HOP_BY_HOP

__all__ = ["build_address", "build_headers", "list_brought", "list_parameters", "show_headers"]

_SAFE = "!$&'()+,:=@~"
"""Characters of a path segment (RFC 3986 section 3.3) that stay as they are; a semicolon does not."""
_DESCRIBING = frozenset({"accept", "accept-encoding", "content-encoding", "content-type"})
"""Headers without which a target could not read the body, nor choose the form of its answer."""
_WHOLE = re.compile(r"https?://[^/?#]+/[^#]*")
"""An address that goes out as it stands."""
_BASIC = re.compile(r"^\s*basic (.*)", re.IGNORECASE | re.MULTILINE)
_PREFIX = "x-pass-"
"""With this a client names a header that is for the target."""
_OURS = ("x-litellm-", "x-gatewright-", "litellm-")
_CREDENTIALS = frozenset(
    {
        *("authorization", "cookie", "api-key", "x-api-key", "x-goog-api-key", "ocp-apim-subscription-key"),
        "x-litellm-api-key",
    }
)
_NOT_SENT = HOP_BY_HOP | {"host", "content-length", "expect"}
_NOT_SHOWN = HOP_BY_HOP | {
    *("alt-svc", "date", "location", "server", "set-cookie", "strict-transport-security", "via"),
    *("www-authenticate", "access-control-allow-origin", "access-control-allow-credentials"),
}
"""Headers of an answer about the target's connection, address or sessions, or for its own origin."""


def build_address(one: PassThrough, below: str, query: str, credentials: Collection[str]) -> str:
    """The address for a path `below` the declared one, beginning with a slash or empty, decoded.

    Of the client's query everything goes along but what the target's own address says, and what has one of
    the gateway's `credentials` in it; then the declared parameters that it does not have.
    """
    if not (below or query or one.query) and _WHOLE.fullmatch(one.target):
        return one.target
    parts = urlsplit(one.target)
    path = parts.path.rstrip("/") if below else parts.path
    own = parts.query
    taken = {name for name, _ in parse_qsl(own, keep_blank_values=True)}
    sent = [piece for piece in query.split("&") if piece and _goes_along(piece, taken, credentials)]
    named = taken | {unquote_plus(piece.partition("=")[0]) for piece in sent}
    added = urlencode([(name, value) for name, value in one.query.items() if name not in named])
    joined = "&".join(filter(None, [own, *sent, added]))
    whole = path + quote(below, safe="/" + _SAFE) or "/"
    address = f"{parts.scheme}://{parts.netloc}{whole}"
    return f"{address}?{joined}" if joined else address


def list_parameters(query: str, credentials: Collection[str]) -> list[tuple[str, str]]:
    """The parameters of a client's query, without those that have one of the gateway's `credentials`."""
    if not query:
        return []
    pairs = parse_qsl(query, keep_blank_values=True)
    return [pair for pair in pairs if not any(_holds(part, credentials) for part in pair)]


def _goes_along(piece: str, taken: set[str], credentials: Collection[str]) -> bool:
    name, _, value = piece.partition("=")
    name = unquote_plus(name)
    return name not in taken and not any(_holds(part, credentials) for part in (name, unquote_plus(value)))


def build_headers(
    one: PassThrough, headers: Mapping[str, str], credentials: Collection[str], *, has_body: bool
) -> HeaderPairs:
    """The headers for the target: those of the client that may go along, then the declared ones, which win.

    `credentials` are the gateway's: no header that has one of them is sent, whatever its name is.
    """
    sent = dict(_all(headers) if one.forwards_headers else _few(headers, one.forwarded))
    sent.pop(one.caller_header or "", None)
    # In one look, where there is nothing to be found.
    if _holds("\n".join(sent.values()), credentials):
        sent = {name: value for name, value in sent.items() if not _holds(value, credentials)}
    if has_body and "content-length" in headers:
        sent["content-length"] = headers["content-length"]
    return tuple({**sent, **{name: secret.reveal() for name, secret in one.headers.items()}}.items())


def list_brought(one: PassThrough, headers: Mapping[str, str], credentials: Collection[str]) -> HeaderPairs:
    """The headers of a client that a pass-through shows its plugin, without the gateway's `credentials`."""
    if one.asks_for_key and not credentials:
        # The caller's credential may be in any of them.
        return ()
    pairs = ((name, headers[name]) for name in sorted(one.brought) if name in headers)
    return tuple((name, value) for name, value in pairs if not _holds(value, credentials))


def _few(headers: Mapping[str, str], forwarded: frozenset[str]) -> Iterable[tuple[str, str]]:
    named = forwarded | _DESCRIBING
    found = [(name, headers[name]) for name in sorted(named.intersection(headers))]
    if _PREFIX in " ".join(headers):
        for name, value in headers.items():
            meant = name.removeprefix(_PREFIX)
            if name not in named and meant and meant != name and meant not in _NOT_SENT | _CREDENTIALS:
                found.append((meant, value))
    return found


def _all(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    named = {part.strip().lower() for part in headers.get("connection", "").split(",")}
    for name, value in headers.items():
        if name not in _NOT_SENT and name not in named and not name.startswith(_OURS):
            meant = name.removeprefix(_PREFIX)
            if meant and meant not in _NOT_SENT:
                yield meant, value


def _holds(value: str, credentials: Collection[str]) -> bool:
    """Whether a line has one of the credentials in it, also as the password of basic authentication."""
    for credential in credentials:
        if credential in value:
            return True
    for basic in _BASIC.finditer(value) if credentials else ():
        try:
            decoded = base64.b64decode(basic[1])
        except (binascii.Error, ValueError):
            continue
        if any(credential.encode() in decoded for credential in credentials):
            return True
    return False


def show_headers(upstream: HeaderPairs) -> list[tuple[str, str]]:
    """The headers of an answer that its client may see."""
    named = {
        part.strip().lower() for name, value in upstream if name == "connection" for part in value.split(",")
    }
    return [
        (name, value)
        for name, value in upstream
        if name not in _NOT_SHOWN and name not in named and not name.startswith(_OURS)
    ]
