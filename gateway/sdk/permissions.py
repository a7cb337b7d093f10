"""What object permissions allow: vector stores, search tools, agents, MCP servers and their tools."""

from collections.abc import Callable, Iterable

import msgspec

from gateway.domain import ObjectPermission, Principal, ScopeKind, Subject
from gateway.errors import PermissionDenied

__all__ = [
    "NO_MCP_SERVERS",
    "McpDemands",
    "McpDirectory",
    "McpOpening",
    "allowed_mcp_servers",
    "allowed_mcp_tools",
    "check_agent",
    "check_search_tool",
    "check_vector_stores",
    "has_toolset",
    "is_mcp_server_open",
    "permissions_on",
]

NO_MCP_SERVERS = "no_mcp_servers"
"""In the list of a key: none at all, whatever else grants some."""

EVERY_TOOL = "*"
"""In a list of tools: all that the server has."""

_WORDS = {
    ScopeKind.KEY: "key",
    ScopeKind.TEAM: "team",
    ScopeKind.USER: "user",
    ScopeKind.ORGANIZATION: "org",
    ScopeKind.PROJECT: "project",
    ScopeKind.END_USER: "customer",
    ScopeKind.AGENT: "agent",
}
_OPENED = frozenset({ScopeKind.KEY, ScopeKind.TEAM})
"""Whose lists a unified access group widens."""
_Names = frozenset[str]
_NOTHING: _Names = frozenset()


class McpDirectory(msgspec.Struct, frozen=True):
    """What only the owner of the MCP servers knows: who is in an access group, and in a toolset.

    `servers_of_group` gives the server ids behind the name of an access group, `tools_of_toolset` the tool
    names by server id behind the id of a toolset. `id_of` gives the id of a server that a permission calls by
    another of its names.
    """

    servers_of_group: Callable[[str], Iterable[str]]
    tools_of_toolset: Callable[[str], dict[str, tuple[str, ...]]]
    id_of: Callable[[str], str] = str


class McpDemands(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a list that is missing leaves nothing, where else it would leave all to the others' lists.

    `of_key`: keys. `of_end_user`: end users; `names_end_user` says whether the request has one.
    """

    of_key: bool = False
    of_end_user: bool = False
    names_end_user: bool = False


class McpOpening(msgspec.Struct, frozen=True, kw_only=True):
    """Whom an MCP server is open to, whatever permissions name.

    `to_all_keys`: every key; where it `respects_scope` only those that name no servers, nor their teams.
    `submitter` is the user who has submitted it, whose keys reach it unless they name servers themselves.
    """

    to_all_keys: bool = False
    respects_scope: bool = False
    submitter: str | None = None


NO_DEMANDS = McpDemands()


def permissions_on(principal: Principal, subjects: Iterable[Subject] = ()) -> tuple[ObjectPermission, ...]:
    """Every object permission on a request: those of the caller and of what the request names."""
    named = (subject.permission for subject in subjects if subject.permission is not None)
    return (*principal.permissions, *named)


def check_vector_stores(permissions: Iterable[ObjectPermission], store_ids: Iterable[str]) -> None:
    """Raise PermissionDenied unless every owner may use every vector store; an empty list means all."""
    ids = tuple(store_ids)
    for permission in permissions:
        if ids and not permission.is_readable:
            raise _refusal(permission, "vector_store", ids[0])
        for store_id in ids:
            if permission.vector_stores and store_id not in permission.vector_stores:
                raise _refusal(permission, "vector_store", store_id)


def check_search_tool(permissions: Iterable[ObjectPermission], name: str) -> None:
    """Raise PermissionDenied unless every owner may use the search tool; an empty list means all."""
    for permission in permissions:
        is_listed = not permission.search_tools or name in permission.search_tools
        if not permission.is_readable or not is_listed:
            raise _refusal(permission, "search_tool", name)


def check_agent(
    principal: Principal, subjects: Iterable[Subject], agent_id: str, groups: Iterable[str] = ()
) -> None:
    """Raise PermissionDenied unless a request may name an agent, which is in these access groups.

    Key and team restrict each other by their `agents` and `agent_access_groups`; an owner with neither leaves
    it to the others. The unified access groups of both open agents that their lists deny. End user, agent,
    user, project and organization can only take away.
    """
    known = frozenset(groups)
    is_opened = any(agent_id in group.agents for group in principal.access_groups)
    for permission in permissions_on(principal, subjects):
        if permission.is_readable and (is_opened and permission.owner.kind in _OPENED):
            continue
        is_silent = permission.is_readable and not (permission.agents or permission.agent_access_groups)
        is_listed = agent_id in permission.agents or not known.isdisjoint(permission.agent_access_groups)
        if not (is_silent or (permission.is_readable and is_listed)):
            raise _refusal(permission, "agent", agent_id)


def allowed_mcp_servers(
    principal: Principal,
    subjects: Iterable[Subject],
    directory: McpDirectory,
    demands: McpDemands = NO_DEMANDS,
) -> _Names | None:
    """The ids of the MCP servers that a request may reach; None means that nobody restricts it.

    Key and team restrict each other, and an empty list of one leaves it to the other. The unified access
    groups of both are added. End user, agent, user, project and organization can only take away.
    """
    permissions = permissions_on(principal, subjects)
    if any(not permission.is_readable for permission in permissions):
        return frozenset()
    of_key = _first(permissions, ScopeKind.KEY)
    if of_key is not None and NO_MCP_SERVERS in of_key.mcp_servers:
        return frozenset()
    own = _servers(of_key, directory)
    if own is None and demands.of_key:
        own = _NOTHING
    base = _meet(own, _servers(_first(permissions, ScopeKind.TEAM), directory))
    if base is not None:
        base |= {directory.id_of(one) for group in principal.access_groups for one in group.mcp_servers}
    end_user = _first(permissions, ScopeKind.END_USER)
    if demands.of_end_user and demands.names_end_user and _servers(end_user, directory) is None:
        return frozenset()
    for permission in permissions:
        if permission.owner.kind not in _OPENED:
            base = _meet(base, _servers(permission, directory))
    return base


def is_mcp_server_open(principal: Principal, subjects: Iterable[Subject], opening: McpOpening) -> bool:
    """Whether a request may reach a server that its permissions need not name.

    A list with `no_mcp_servers`, and one that cannot be read, closes this way too.
    """
    if not (opening.to_all_keys or opening.submitter):
        return False
    permissions = permissions_on(principal, subjects)
    if any(NO_MCP_SERVERS in one.mcp_servers or not one.is_readable for one in permissions):
        return False
    scoped = {one.owner.kind for one in permissions if not _is_silent(one)}
    if opening.to_all_keys and not (opening.respects_scope and not scoped.isdisjoint(_OPENED)):
        return True
    is_own = opening.submitter is not None and opening.submitter == principal.user_id
    return is_own and ScopeKind.KEY not in scoped


def has_toolset(principal: Principal, *names: str) -> bool:
    """Whether anybody has granted a toolset to a caller, by one of its names."""
    return any(one.is_readable and not {*names}.isdisjoint(one.mcp_toolsets) for one in principal.permissions)


def allowed_mcp_tools(
    principal: Principal, subjects: Iterable[Subject], server_id: str, directory: McpDirectory
) -> _Names | None:
    """The names of a server's tools that a request may list and call; None means that nobody restricts them.

    Whether the server itself may be reached is for `allowed_mcp_servers` to say, and which tools are
    blocked by name for `blocked_tools`.
    """
    found: _Names | None = None
    for permission in permissions_on(principal, subjects):
        if not permission.is_readable:
            return frozenset()
        found = _meet(found, _tools(permission, server_id, directory))
    return found


def _servers(permission: ObjectPermission | None, directory: McpDirectory) -> _Names | None:
    """What one owner names in any way; None where it names nothing."""
    if permission is None or _is_silent(permission):
        return None
    of_groups = (name for group in permission.mcp_access_groups for name in directory.servers_of_group(group))
    of_toolsets = (name for one in permission.mcp_toolsets for name in directory.tools_of_toolset(one))
    named = (*permission.mcp_servers, *permission.mcp_tool_permissions, *of_groups, *of_toolsets)
    return frozenset(directory.id_of(name) for name in named)


def _is_silent(permission: ObjectPermission) -> bool:
    return not (
        permission.mcp_servers
        or permission.mcp_access_groups
        or permission.mcp_tool_permissions
        or permission.mcp_toolsets
    )


def _tools(permission: ObjectPermission, server_id: str, directory: McpDirectory) -> _Names | None:
    direct = permission.mcp_tool_permissions.items()
    named = [tools for name, tools in direct if directory.id_of(name) == server_id]
    for toolset in permission.mcp_toolsets:
        tools = directory.tools_of_toolset(toolset).get(server_id)
        named += [] if tools is None else [tools]
    found = frozenset(tool for tools in named for tool in tools)
    return found if named and EVERY_TOOL not in found else None


def _meet(one: _Names | None, other: _Names | None) -> _Names | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _first(permissions: Iterable[ObjectPermission], kind: ScopeKind) -> ObjectPermission | None:
    return next((permission for permission in permissions if permission.owner.kind is kind), None)


def _refusal(permission: ObjectPermission, what: str, name: str) -> PermissionDenied:
    word = _WORDS.get(permission.owner.kind, "key")
    return PermissionDenied(
        f"The {word} of this request is not allowed to access the {what.replace('_', ' ')} '{name[:256]}'. "
        "An administrator can add it to the object permission.",
        param=what,
        type=f"{word}_{what}_access_denied",
    )
