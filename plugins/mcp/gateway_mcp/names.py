"""Names under which several servers offer things together: `prefix-name`."""

from collections.abc import Iterable, Iterator, Sequence

from gateway_mcp.upstreams import Upstream

__all__ = ["join_name", "join_uri", "prefix_of", "split_name", "split_uri"]

_SEPARATOR = "-"
_URI_SEPARATOR = "+"


def prefix_of(upstream: Upstream) -> str:
    """What the names of a server begin with: its alias, else its name."""
    return (upstream.settings.alias or upstream.name).replace(" ", "_")


def join_name(upstream: Upstream, name: str) -> str:
    """The name under which a tool or a prompt of a server is offered."""
    return f"{prefix_of(upstream)}{_SEPARATOR}{name}"


def join_uri(upstream: Upstream, uri: str) -> str:
    """The address under which a resource of a server is offered."""
    return f"{prefix_of(upstream)}{_URI_SEPARATOR}{uri}"


def split_name(name: str, upstreams: Sequence[Upstream]) -> tuple[Upstream, str] | None:
    """The server that a name begins with, by any of its names, and what the server itself calls it."""
    return _split(name, upstreams, _SEPARATOR)


def split_uri(uri: str, upstreams: Sequence[Upstream]) -> tuple[Upstream, str] | None:
    """The server that an address begins with, and the server's own address."""
    return _split(uri, upstreams, _URI_SEPARATOR)


def _split(text: str, upstreams: Sequence[Upstream], separator: str) -> tuple[Upstream, str] | None:
    # The longest first: an id may be what another server's name begins with.
    matches = [
        (spelling, upstream)
        for upstream in upstreams
        for spelling in _spellings(upstream)
        if text.startswith(spelling) and text[len(spelling) : len(spelling) + 1] == separator
    ]
    if not matches:
        return None
    spelling, upstream = max(matches, key=_length)
    rest = text[len(spelling) + 1 :]
    return (upstream, rest) if rest else None


def _length(match: tuple[str, Upstream]) -> int:
    return len(match[0])


def _spellings(upstream: Upstream) -> Iterator[str]:
    names: Iterable[str] = (prefix_of(upstream), *upstream.names)
    return iter(dict.fromkeys(name.replace(" ", "_") for name in names))
