"""Beside what MCP servers of the database stand."""

from collections.abc import Mapping
from typing import Any, cast

from gateway.inventory.mcp.surroundings import McpSurroundings
from gateway.runtime import Gateway
from gateway.settings.mcp_servers import configured_servers, demands_keys, respects_scope

__all__ = ["surroundings"]


def surroundings(gateway: Gateway) -> McpSurroundings:
    """Those of this moment."""
    snapshot, added = gateway.snapshot, gateway.parts.added
    found = configured_servers(snapshot.settings.gatewright)
    configured = {
        name: cast("Mapping[str, Any]", one) for name, one in found.items() if isinstance(one, dict)
    }
    hooks = snapshot.hooks
    return McpSurroundings(
        configured,
        added.environ,
        added.current.mcp,
        hooks.check_mcp_server,
        hooks.ask_mcp_server,
        hooks.try_mcp_server,
        respects_scope(snapshot.settings.gatewright),
        demands_keys(snapshot.settings.gatewright),
        snapshot.settings.general.store_model_in_db,
        snapshot.settings.general.mcp_required_fields,
        snapshot.pass_throughs.own,
    )
