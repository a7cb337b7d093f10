"""Gatewright: an LLM gateway; importing this package does no work."""
