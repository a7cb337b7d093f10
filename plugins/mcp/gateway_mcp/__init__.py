"""The MCP part of Gatewright: which MCP servers a request may make a model provider call."""

from gateway_mcp.plugin import RemoteServers, Settings, build

__all__ = ["RemoteServers", "Settings", "build"]
