"""The tools of type `mcp` of a request that are the gateway's own servers'."""

from collections.abc import Iterator, Mapping
from typing import cast

import msgspec

from gateway.errors import BadRequest, NotFound
from gateway.hooks import RequestBody
from gateway_mcp.places import find_named
from gateway_mcp.upstreams import Upstream, Upstreams

__all__ = ["Entry", "is_own", "read_entries"]

_OWN = "litellm_proxy"
_MOUNT = "mcp"
_MARK = b"litellm_proxy"
_MOST_NAMES = 16
_NEVER = "never"
_Object = Mapping[str, object]


class Entry(msgspec.Struct, frozen=True):
    """One tool of type `mcp`: the servers that it names, all of the caller's where it names none.

    `allowed` are the tools that it is narrowed to, None for all; `never` those that are called without the
    client being asked, None for all. `label` is what the client calls the server.
    """

    index: int
    upstreams: tuple[Upstream, ...] | None
    allowed: frozenset[str] | None
    never: frozenset[str] | None
    label: str = ""

    def offers(self, tool: str) -> bool:
        """Whether the model is told of a tool."""
        return self.allowed is None or tool in self.allowed

    def calls(self, tool: str) -> bool:
        """Whether the gateway calls a tool itself."""
        return self.never is None or tool in self.never


def is_own(entry: _Object) -> bool:
    """Whether a tool of a request is one of the gateway's own servers."""
    url = entry.get("server_url")
    return entry.get("type") == "mcp" and isinstance(url, str) and url.strip("/").split("/")[0] == _OWN


def read_entries(body: RequestBody, upstreams: Upstreams) -> list[Entry]:
    """The entries of a body. Raises BadRequest, and NotFound for servers that there are not."""
    raw = body.members.get("tools")
    if raw is None or _MARK not in bytes(raw):
        return []
    tools = body.read("tools")
    items = cast("list[object]", tools) if isinstance(tools, list) else []
    objects = [(index, cast("_Object", item)) for index, item in enumerate(items) if isinstance(item, dict)]
    return [_read(index, item, upstreams) for index, item in objects if is_own(item)]


def _read(index: int, item: _Object, upstreams: Upstreams) -> Entry:
    path = f"tools[{index}]"
    for name in ("headers", "authorization"):
        if item.get(name):
            message = f"'{path}.{name}': the gateway has the credentials of its own servers; leave it out."
            raise BadRequest(message, param=f"{path}.{name}")
    return Entry(
        index,
        _find(str(item["server_url"]), f"{path}.server_url", upstreams),
        _names(item.get("allowed_tools"), f"{path}.allowed_tools"),
        _read_approval(item.get("require_approval"), f"{path}.require_approval"),
        str(item.get("server_label") or ""),
    )


def _find(url: str, path: str, upstreams: Upstreams) -> tuple[Upstream, ...] | None:
    parts = url.strip("/").split("/")[1:]
    if parts in ([], [_MOUNT]):
        return None
    names = "/".join(parts[1:])
    if parts[0] != _MOUNT or len(names.split(",")) > _MOST_NAMES:
        message = f"'{path}' is 'litellm_proxy/mcp' or 'litellm_proxy/mcp/' with up to {_MOST_NAMES} names."
        raise BadRequest(message, param=path)
    found = find_named(names, upstreams)
    if not found:
        raise NotFound(f"'{path}': there is no MCP server '{names[:200]}'.", param=path)
    return found


def _read_approval(value: object, path: str) -> frozenset[str] | None:
    """The tools that need no approval: of all, of none, or of those that are named."""
    if value == _NEVER:
        return None
    if isinstance(value, dict):
        never = cast("_Object", value).get(_NEVER)
        return frozenset() if never is None else _names(never, f"{path}.{_NEVER}")
    return frozenset()


def _names(value: object, path: str) -> frozenset[str] | None:
    """A list of names, also as the object of the provider's API; None for none."""
    if isinstance(value, dict):
        value = cast("_Object", value).get("tool_names")
    if value is None:
        return None
    if isinstance(value, list):
        names = list(_texts(cast("list[object]", value)))
        if len(names) == len(cast("list[object]", value)):
            return frozenset(names)
    raise BadRequest(f"'{path}' is a list of names of tools.", param=path)


def _texts(items: list[object]) -> Iterator[str]:
    return (item for item in items if isinstance(item, str))
