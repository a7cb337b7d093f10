"""Gatewright: an LLM and MCP gateway; importing this package does no work."""
