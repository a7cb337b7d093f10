"""Headers that clients bring for servers: which may, and for which server each is meant."""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping

__all__ = [
    "AUTH",
    "CREDENTIALS",
    "PREFIX",
    "digest_of",
    "find_addressed",
    "find_prefixed",
    "is_free",
    "label_of",
    "without_scheme",
]

PREFIX = "x-mcp-"
AUTH = f"{PREFIX}auth"
"""Where a client brings the credential for the only server of a path, unless the operator names another."""
CREDENTIALS = frozenset({"authorization", "x-api-key"})
"""Headers in which a client may bring a credential for a server, without the operator naming them."""
_OURS = (
    "x-litellm-",
    "x-gatewright-",
    "litellm-",
    PREFIX,
    "mcp-",
    "proxy-",
    "x-forwarded-",
    "content-",
    "sec-",
)
_BOUND = frozenset(
    {
        *("accept", "accept-encoding", "connection", "cookie", "expect", "forwarded", "host", "keep-alive"),
        *("last-event-id", "origin", "te", "trailer", "transfer-encoding", "upgrade", "via", "x-real-ip"),
    }
)
"""Headers of one connection, of the protocol, or about who is calling."""
_PASSING = frozenset(
    {"baggage", "traceparent", "tracestate", "x-correlation-id", "x-request-id", "x-trace-id"}
)
"""Headers that differ from request to request, and change nothing about an answer."""
_WHOLE = frozenset({"authorization", "true_passthrough", "oauth_delegate"})
"""Kinds of servers that have a credential with its scheme."""
_FOLDED = re.compile("[^a-z0-9_]")


def is_free(name: str) -> bool:
    """Whether a header, in lower case, may go from a client to a server."""
    return name not in _BOUND and not name.startswith(_OURS)


def label_of(name: str) -> str:
    """What a server or a group is called in the name of a header."""
    return _FOLDED.sub("_", name.lower())


def without_scheme(value: str, auth_type: str) -> str:
    """A credential alone, as it may have been written for `Authorization`, for a server of this kind."""
    scheme, _, rest = value.strip().partition(" ")
    known = {"basic"} if auth_type == "basic" else {"bearer", "token"}
    is_alone = auth_type in _WHOLE or not rest or scheme.lower() not in known
    return value if is_alone else rest.strip()


def find_prefixed(headers: Mapping[str, str], prefix: str) -> list[str]:
    """The names of headers that begin so; mostly there are none, which one look tells."""
    return [name for name in headers if name.startswith(prefix)] if prefix in " ".join(headers) else []


def find_addressed(
    brought: Mapping[str, str], labels: Collection[str], allowed: Collection[str]
) -> dict[str, str]:
    """The headers that are addressed to any of `labels` (`x-mcp-{label}-{header}`), if they are `allowed`.

    Where two labels say different things about one header, it is left out.
    """
    found: dict[str, str] = {}
    split: set[str] = set()
    for name, value in brought.items():
        label, _, header = name.removeprefix(PREFIX).partition("-")
        is_meant = name.startswith(PREFIX) and label in labels and header in allowed
        if is_meant and found.setdefault(header, value) != value:
            split.add(header)
    return {header: value for header, value in found.items() if header not in split}


def digest_of(headers: Iterable[tuple[str, str]]) -> str:
    """One text for what a client brings, as far as answers may depend on it; it does not tell what."""
    told = sorted((name, value) for name, value in headers if name not in _PASSING)
    return hashlib.sha256(repr(told).encode()).hexdigest() if told else ""
