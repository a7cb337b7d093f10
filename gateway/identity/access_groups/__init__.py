"""Unified access groups: models, MCP servers and agents that teams and keys are given together."""
