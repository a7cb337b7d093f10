"""Guardrails for Gatewright, one file each."""
