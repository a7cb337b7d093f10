"""The guardrail host: which guardrails a call has, what they are shown, and what follows from it."""
