"""The gateway as an authorization server: people let clients that can only do OAuth use MCP in their name."""
