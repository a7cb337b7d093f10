"""Where a path leads: to one server, or to several under one roof."""

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

import msgspec

from gateway.hooks import RequestHead
from gateway_mcp.upstreams import Upstream, Upstreams

__all__ = [
    "FORMS",
    "NARROWING",
    "Place",
    "Places",
    "find_named",
    "find_place",
    "find_wished",
    "is_plain",
    "list_named",
    "narrow_place",
]

_MOUNT, _REST, _SEARCHED, _TOOLSET = "mcp", "mcp-rest", "proxy", "toolset"
_WELL_KNOWN, _EVERY_TOOL = ".well-known", ["v1", "mcp", "tools"]
_PARTS_OF_TOOLSET = 3
_MOST_NAMES = 16
_MOST_PATHS = 1000
NARROWING = ("x-mcp-servers", "x-mcp-access-groups")
"""Headers by which a client asks for fewer servers than the path leads to."""


class Place(msgspec.Struct, frozen=True):
    """The servers behind a path; `key` is the same for all paths that lead to the same ones.

    Where it `is_single` their messages pass through as they are; where they `are_searched`, a search
    stands for the lists of tools. `tools` narrows it to these, by the ids of the servers; they are those of a
    toolset, which has the names `toolset`.
    """

    key: str
    upstreams: tuple[Upstream, ...]
    is_single: bool = False
    are_searched: bool = False
    tools: dict[str, tuple[str, ...]] | None = None
    toolset: tuple[str, ...] = ()


class Form(msgspec.Struct, frozen=True):
    """Paths of one form, as operators know it; `find` says where one of these parts leads, if it is one."""

    path: str
    find: Callable[[list[str], Upstreams], Place | None]


def find_place(path: str, upstreams: Upstreams) -> Place | None:
    """The place of a path, that of the first of `FORMS` that it has; None if it leads nowhere.

    Names with commas between them are up to 16, of servers or of access groups; those that nobody has are
    left out, unless there is no other. Documents about paths lead nowhere, whatever names are in theirs.
    """
    parts = path.split("/")[1:] or [""]
    if parts[0] == _WELL_KNOWN:
        return None
    return next((place for form in FORMS if (place := form.find(parts, upstreams)) is not None), None)


def _find_all(parts: list[str], upstreams: Upstreams) -> Place | None:
    return Place("*", upstreams.all()) if parts == [_MOUNT] else None


def _find_plain(parts: list[str], upstreams: Upstreams) -> Place | None:
    is_there = parts == _EVERY_TOOL or parts[:1] == [_REST]
    return Place("*", upstreams.all()) if is_there else None


def _find_toolset(parts: list[str], upstreams: Upstreams) -> Place | None:
    if parts[0] != _TOOLSET or parts[-1] != _MOUNT or len(parts) != _PARTS_OF_TOOLSET:
        return None
    toolset = upstreams.toolset(parts[1])
    if toolset is None:
        return None
    tools = upstreams.tools_of_toolset(toolset.toolset_id)
    members = (upstreams.by_name(identifier) for identifier in tools)
    found = tuple(one for one in members if one is not None)
    names = (toolset.toolset_id, toolset.name)
    return Place(f"toolset:{toolset.toolset_id}", found, tools=tools, toolset=names)


def _find_searched(parts: list[str], upstreams: Upstreams) -> Place | None:
    if parts != [_MOUNT, _SEARCHED] or upstreams.by_name(_SEARCHED) is not None:
        return None
    return Place("*?", upstreams.all(), are_searched=True)


def _find_below(parts: list[str], upstreams: Upstreams) -> Place | None:
    is_there = parts[0] == _MOUNT and len(parts) > 1
    return _find("/".join(parts[1:]), upstreams) if is_there else None


def _find_before(parts: list[str], upstreams: Upstreams) -> Place | None:
    is_there = parts[-1] == _MOUNT != parts[0] and len(parts) > 1
    return _find("/".join(parts[:-1]), upstreams) if is_there else None


FORMS = (
    Form("/mcp", _find_all),
    Form("/mcp-rest", _find_plain),
    Form("/toolset/{name}/mcp", _find_toolset),
    Form("/mcp/proxy", _find_searched),
    Form("/mcp/{names}", _find_below),
    Form("/{names}/mcp", _find_before),
)
"""All paths that lead to servers, in the order in which they are tried.

Each has a row in the matrix of guardrails, and so has every kind of name.
"""


class Places:
    """Finds places, and remembers those among the servers of now."""

    def __init__(self) -> None:
        self._upstreams: Upstreams | None = None
        self._found: dict[str, Place] = {}

    def find(self, path: str, upstreams: Upstreams) -> Place | None:
        """As `find_place`."""
        if upstreams is not self._upstreams or len(self._found) >= _MOST_PATHS:
            self._upstreams, self._found = upstreams, {}
        place = self._found.get(path)
        if place is None:
            place = find_place(path, upstreams)
            if place is not None:
                self._found[path] = place
        return place


def is_plain(path: str) -> bool:
    """Whether a path belongs to plain HTTP."""
    return path.startswith(f"/{_REST}/") or path.split("/")[1:] == _EVERY_TOOL


def find_wished(query: str) -> str:
    """The server of which plain HTTP wants the tools; empty where it wants all."""
    wished = dict(parse_qsl(query))
    return wished.get("server_id") or wished.get("mcp_server_name") or ""


def find_named(names: str, upstreams: Upstreams) -> tuple[Upstream, ...]:
    """The servers of names with commas between them: of servers, or of access groups."""
    found: dict[Upstream, None] = {}
    for name in names.split(","):
        found |= dict.fromkeys(_named(name.strip(), upstreams))
    return tuple(found)


def narrow_place(place: Place, headers: Mapping[str, str], upstreams: Upstreams) -> Place:
    """The place with those servers only that the client's headers name; they never add one."""
    kept: tuple[Upstream, ...] = place.upstreams
    for header in NARROWING:
        names = headers.get(header)
        if names is not None:
            named = find_named(names, upstreams)
            kept = tuple(one for one in kept if one in named)
    return place if kept is place.upstreams else msgspec.structs.replace(place, upstreams=kept)


def list_named(head: RequestHead, upstreams: Upstreams) -> tuple[Upstream, ...]:
    """The servers that a header names by themselves: one that is denied must not be left out in silence."""
    names = head.headers.get(NARROWING[0], "").split(",")
    found = (upstreams.by_name(name.strip()) for name in names)
    return tuple(one for one in found if one is not None)


def _find(text: str, upstreams: Upstreams) -> Place | None:
    one = upstreams.by_name(text)
    if one is not None:
        return Place(one.id, (one,), is_single=True)
    names = list(dict.fromkeys(text.split(",")))
    if len(names) > _MOST_NAMES:
        return None
    found: dict[str, Upstream] = {}
    for name in names:
        for upstream in _named(name.strip(), upstreams):
            found[upstream.id] = upstream
    return Place(",".join(sorted(found)), tuple(found.values())) if found else None


def _named(name: str, upstreams: Upstreams) -> tuple[Upstream, ...]:
    one = upstreams.by_name(name)
    if one is not None:
        return (one,)
    members = (upstreams.by_name(identifier) for identifier in upstreams.of_group(name))
    return tuple(member for member in members if member is not None)
