"""Asks a server which tools it has, on the gateway's own behalf."""

import asyncio

from gateway.domain import McpFindings
from gateway.errors import BadRequest, GatewayError
from gateway_mcp.conversation import Conversation, Eras
from gateway_mcp.credentials import Credentials
from gateway_mcp.transports.choose import Transports
from gateway_mcp.upstreams import Upstream

__all__ = ["probe", "refuse_settings"]

_SECONDS = 10.0


async def probe(upstream: Upstream, transports: Transports, credentials: Credentials) -> McpFindings:
    """What a server answers now, at most ten seconds from now; nothing that is remembered."""
    settings = upstream.settings
    is_users = settings.is_byok or settings.logs_users_in or settings.exchanges_tokens
    if settings.user_variables or is_users or settings.auth_type == "oauth_delegate":
        return McpFindings(error="It is asked with credentials of users, and the gateway has none.")
    seconds = min(settings.timeout, _SECONDS)
    try:
        async with asyncio.timeout(seconds):
            headers = await credentials.list_own_headers(upstream)
            conversation = Conversation(transports.of(upstream), upstream, headers, Eras(), seconds)
            found = await conversation.list_all("tools/list", "tools")
    except TimeoutError:
        return McpFindings(error="It took too long.")
    except GatewayError as error:
        return McpFindings(error=error.message)
    return McpFindings(tools=tuple(found))


def refuse_settings(fault: ValueError) -> BadRequest:
    """The refusal of a server that no settings like these can make."""
    return BadRequest(f"The MCP server cannot be served: {fault}.", param="mcp_server")
