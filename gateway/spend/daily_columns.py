"""The columns that all daily tables have."""

__all__ = ["DAILY_COUNTS"]

DAILY_COUNTS = (
    "prompt_tokens",
    "completion_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "api_requests",
    "successful_requests",
    "failed_requests",
)
"""Beside the spend, what a day counts."""
