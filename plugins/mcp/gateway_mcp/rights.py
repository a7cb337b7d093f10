"""Who may reach which MCP server, and which of its tools: one predicate for listing and for calling."""

from collections.abc import Callable

from gateway.errors import PermissionDenied
from gateway.hooks import RequestContext
from gateway.sdk.permissions import (
    McpDirectory,
    allowed_mcp_servers,
    allowed_mcp_tools,
    permissions_on,
)
from gateway_mcp.upstreams import Upstream, Upstreams

__all__ = ["build_predicate", "check_server", "may_reach"]

_EVERY = "*"
_NONE = "no_mcp_servers"


def check_server(context: RequestContext, upstream: Upstream, upstreams: Upstreams) -> None:
    """Raise PermissionDenied unless the caller may reach a server."""
    if not may_reach(context, upstream, upstreams):
        raise PermissionDenied(
            f"This key may not reach the MCP server '{upstream.name}'. An administrator can add it to the "
            "object permission.",
            param="mcp_server",
            type="mcp_server_access_denied",
        )


def may_reach(context: RequestContext, upstream: Upstream, upstreams: Upstreams) -> bool:
    """Whether the caller may reach a server; proxy admins reach all."""
    principal = context.principal
    if principal.is_admin:
        return True
    permissions = permissions_on(principal, context.subjects)
    is_closed = any(_NONE in one.mcp_servers or not one.is_readable for one in permissions)
    if upstream.settings.allow_all_keys and not is_closed:
        return True
    allowed = allowed_mcp_servers(principal, context.subjects, _directory(upstreams))
    return allowed is None or not allowed.isdisjoint(upstream.names)


def build_predicate(
    context: RequestContext, upstream: Upstream, upstreams: Upstreams
) -> Callable[[str], bool]:
    """Whether the caller may list and call a tool of a server."""
    principal, directory = context.principal, _directory(upstreams)
    blocked = {name for one in permissions_on(principal, context.subjects) for name in one.blocked_tools}
    blocked |= context.withheld_tools
    named = [
        tools
        for name in upstream.names
        if (tools := allowed_mcp_tools(principal, context.subjects, name, directory)) is not None
    ]

    def may_use(tool: str) -> bool:
        if not upstream.offers(tool) or not blocked.isdisjoint({tool, f"{upstream.name}/{tool}"}):
            return False
        return principal.is_admin or all(tool in tools or _EVERY in tools for tools in named)

    return may_use


def _directory(upstreams: Upstreams) -> McpDirectory:
    return McpDirectory(servers_of_group=upstreams.of_group, tools_of_toolset=upstreams.tools_of_toolset)
