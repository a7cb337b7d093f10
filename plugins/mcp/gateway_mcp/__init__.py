"""The MCP part of Gatewright: MCP servers behind the gateway, and those that model providers may be told."""

from gateway_mcp.plugin import McpPlugin, RemoteServers, Settings, build

__all__ = ["McpPlugin", "RemoteServers", "Settings", "build"]
