"""Policies: which named sets of guardrails a request has."""
