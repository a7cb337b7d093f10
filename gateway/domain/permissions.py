"""What one object may reach beside models: MCP servers, agents, vector stores, tools, as it is stored."""

import msgspec

from gateway.domain.limits import Scope

__all__ = ["AccessGroup", "ObjectPermission"]


class ObjectPermission(msgspec.Struct, frozen=True, kw_only=True):
    """The object permission of one owner (key, team, user, ...).

    `is_readable` False: the owner names a permission that is not there, or not of a form that can be read;
    then nothing is permitted. `mcp_tool_permissions` lists tools by server id. What an empty list means is
    for whoever decides; see `gateway.sdk.permissions`.
    """

    owner: Scope
    id: str
    is_readable: bool = True
    mcp_servers: tuple[str, ...] = ()
    mcp_access_groups: tuple[str, ...] = ()
    mcp_tool_permissions: dict[str, tuple[str, ...]] = {}
    mcp_toolsets: tuple[str, ...] = ()
    vector_stores: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    agent_access_groups: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    blocked_tools: tuple[str, ...] = ()
    search_tools: tuple[str, ...] = ()


class AccessGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A unified access group of one owner: what it opens to a key or team that its own lists deny."""

    owner: Scope
    id: str
    models: tuple[str, ...] = ()
    mcp_servers: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
