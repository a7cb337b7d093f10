"""Names of MCP servers and access groups stand in paths: none leads where the gateway has a route."""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from gateway.catalog.own_paths import OwnPaths

__all__ = ["find_taken", "find_taken_names", "refusal_of"]

_BELOW, _BEFORE = "/mcp/{}", ("/{}/mcp", "/{}/mcp/sse")
_MCP_PATHS: Mapping[str, OwnPaths] = {
    _BELOW: OwnPaths(("/mcp/proxy", "/mcp/sse", "/mcp/{name:str}/sse")),
    **dict.fromkeys(
        _BEFORE,
        OwnPaths(
            ("/toolset/{name:str}/mcp", "/toolset/{name:str}/mcp/sse", "/v1/mcp/tools"),
            ("/mcp-rest", "/.well-known"),
        ),
    ),
}
"""By the form of a path, what it has for other things than a name."""
_SERVERS, _GROUPS = "mcp_servers", "access_groups"


def find_taken(name: str, own: OwnPaths) -> str | None:
    """The path by which clients would ask for this name and meet another route; None if there is none."""
    for form in (*_BEFORE, _BELOW):
        path = form.format(name)
        if any(one.find(path, includes_subpath=False) is not None for one in (own, _MCP_PATHS[form])):
            return path
    return None


def refusal_of(name: str, path: str) -> str:
    """Why nothing is called so."""
    return f"No MCP server and no access group is called so: {_taken(name, path)}; choose another name."


def find_taken_names(servers: Mapping[str, object], own: OwnPaths) -> Iterator[tuple[str, str]]:
    """The names, aliases, ids and access groups of the configuration that are taken: where one is, and why.

    They are LiteLLM's to give, so that they are served, where nothing else is: `/mcp/guardrails`.
    """
    for name, settings in servers.items():
        for member, text in _names(name, settings):
            path = find_taken(text, own)
            if path is not None:
                yield f"{_SERVERS}.{name}{member}", _taken(text, path)


def _names(name: str, settings: object) -> Iterator[tuple[str, str]]:
    yield "", name
    if not isinstance(settings, dict):
        return
    members = cast("Mapping[str, object]", settings)
    groups = members.get(_GROUPS)
    named = [(f".{member}", members.get(member)) for member in ("server_id", "alias")]
    if isinstance(groups, list | tuple):
        items = cast("Sequence[object]", groups)
        named += [(f".{_GROUPS}[{index}]", group) for index, group in enumerate(items)]
    # What is no text is the plugin's to refuse.
    yield from ((member, value) for member, value in named if isinstance(value, str))


def _taken(name: str, path: str) -> str:
    return f"'{name[:100]}' does not lead to {path[:200]}, which is a path of the gateway's own"
