"""What a request takes of the limits of the server that it is for, and what it costs."""

from gateway.domain import Claim, McpCall
from gateway.hooks import RequestContext
from gateway.sdk.limits import claim_mcp_server
from gateway_mcp.terms import McpInfo
from gateway_mcp.upstreams import Upstream

__all__ = ["list_claims", "note_call", "note_request"]

_ASKED = "gateway_mcp.asked"
"""In the state of the request: the server whose limits it counts for."""
_NO_INFO = McpInfo()


def note_request(context: RequestContext, upstream: Upstream) -> None:
    """Have a request count for the limits of a server."""
    context.state[_ASKED] = upstream


def note_call(context: RequestContext, upstream: Upstream, tool: str) -> None:
    """Have a call of a tool be recorded, count for the limits of its server, and cost what it costs."""
    context.tool = f"{upstream.name}/{tool[:200]}"
    context.state[_ASKED] = upstream
    info = upstream.settings.mcp_info or _NO_INFO
    context.tool_call = McpCall(
        name=tool, server=upstream.name, logo_url=info.get("logo_url"), hides=upstream.hidden_arguments
    )
    costs = info.get("mcp_server_cost_info")
    if costs is not None:
        context.cost_nanos = costs.price_of(tool)


def list_claims(context: RequestContext) -> list[Claim] | None:
    """What was noted of a request, as claims; None where no limit is on it."""
    upstream = context.state.get(_ASKED)
    if not isinstance(upstream, Upstream):
        return None
    if not upstream.has_limits and not context.principal.mcp_limits:
        return None
    return claim_mcp_server(context.principal, upstream.limits, context.cost_nanos) or None
