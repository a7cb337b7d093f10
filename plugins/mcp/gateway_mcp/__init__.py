"""The MCP part of Gatewright."""
