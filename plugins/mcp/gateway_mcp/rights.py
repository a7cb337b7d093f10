"""Who may reach which MCP server, and which of its tools: one predicate for listing and for calling."""

from collections.abc import Callable

from gateway.errors import PermissionDenied
from gateway.hooks import RequestContext
from gateway.sdk.permissions import (
    McpDemands,
    McpDirectory,
    McpOpening,
    allowed_mcp_servers,
    allowed_mcp_tools,
    has_toolset,
    is_mcp_server_open,
    permissions_on,
)
from gateway_mcp.places import Place
from gateway_mcp.upstreams import Upstream, Upstreams

__all__ = [
    "build_predicate",
    "check_server",
    "check_toolset",
    "is_visible",
    "may_reach",
    "refuse_server",
    "refuse_toolset",
]


def check_server(context: RequestContext, upstream: Upstream, upstreams: Upstreams) -> None:
    """Raise PermissionDenied unless the caller may reach a server."""
    if not may_reach(context, upstream, upstreams):
        raise refuse_server(upstream)


def refuse_server(upstream: Upstream) -> PermissionDenied:
    """The refusal of a server."""
    return PermissionDenied(
        f"This key may not reach the MCP server '{upstream.name}'. An administrator can add it to the "
        "object permission.",
        param="mcp_server",
        type="mcp_server_access_denied",
    )


def check_toolset(context: RequestContext, place: Place) -> None:
    """Raise PermissionDenied for a place that is a toolset which nobody has granted to the caller."""
    principal = context.principal
    if place.toolset and not (principal.is_admin or has_toolset(principal, *place.toolset)):
        raise refuse_toolset()


def refuse_toolset() -> PermissionDenied:
    """The refusal of a toolset."""
    return PermissionDenied(
        "This key may not reach anything of this toolset. An administrator can add it to the object "
        "permission.",
        param="mcp_toolsets",
        type="mcp_toolset_access_denied",
    )


def is_visible(context: RequestContext, upstream: Upstream, upstreams: Upstreams) -> bool:
    """Whether a server may be reached from where the request comes from, whoever asks."""
    return upstreams.lets_in(upstream, context.head)


def may_reach(
    context: RequestContext, upstream: Upstream, upstreams: Upstreams, *, is_scoped: bool = False
) -> bool:
    """Whether the caller may reach a server; proxy admins reach all that are visible from where they are.

    Where it `is_scoped`, a toolset's, only permissions open it.
    """
    principal, subjects = context.principal, context.subjects
    if not is_visible(context, upstream, upstreams):
        return False
    settings = upstream.settings
    is_stranger = not principal.token_hash
    if principal.is_admin or (is_stranger and (settings.admits_anybody or settings.is_passed_through)):
        return True
    demanded = upstreams.access.settings
    opening = McpOpening(
        to_all_keys=settings.allow_all_keys,
        respects_scope=demanded.mcp_allow_all_keys_respects_mcp_scope,
        submitter=upstream.submitter,
    )
    if not is_scoped and is_mcp_server_open(principal, subjects, opening):
        return True
    demands = McpDemands(
        of_key=demanded.require_key_mcp_access_defined,
        of_end_user=demanded.require_end_user_mcp_access_defined,
        names_end_user=context.end_user is not None,
    )
    allowed = allowed_mcp_servers(principal, subjects, _directory(upstreams), demands)
    return allowed is None or upstream.id in allowed


def build_predicate(
    context: RequestContext, upstream: Upstream, upstreams: Upstreams
) -> Callable[[str], bool]:
    """Whether the caller may list and call a tool of a server."""
    principal, subjects = context.principal, context.subjects
    blocked = {name for one in permissions_on(principal, subjects) for name in one.blocked_tools}
    blocked |= context.withheld_tools
    allowed = None
    if not principal.is_admin:
        allowed = allowed_mcp_tools(principal, subjects, upstream.id, _directory(upstreams))

    def may_use(tool: str) -> bool:
        if not upstream.offers(tool) or not blocked.isdisjoint({tool, f"{upstream.name}/{tool}"}):
            return False
        return allowed is None or tool in allowed

    return may_use


def _directory(upstreams: Upstreams) -> McpDirectory:
    return McpDirectory(
        servers_of_group=upstreams.of_group,
        tools_of_toolset=upstreams.tools_of_toolset,
        id_of=upstreams.id_of,
    )
