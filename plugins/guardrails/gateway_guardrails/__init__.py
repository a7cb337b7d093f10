"""Guardrails for Gatewright, one file each."""

from gateway_guardrails.plugin import Guardrails, Settings, build

__all__ = ["Guardrails", "Settings", "build"]
