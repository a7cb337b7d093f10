"""The guardrail host."""
