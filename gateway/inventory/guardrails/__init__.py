"""Guardrails of the database: made, changed, shown."""
