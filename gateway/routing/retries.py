"""Whether a failed call is tried again, and after how long."""

import random

from gateway.domain import Deployment
from gateway.errors import UpstreamAuthenticationFailed, UpstreamError
from gateway.settings.model import RouterSettings

__all__ = ["retries_allowed", "wait_seconds"]

_RETRYABLE = frozenset({408, 409, 429})
_FIRST_SERVER_ERROR = 500

_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 8.0
_LONGEST_RETRY_AFTER_SECONDS = 60.0

_POLICY_NAMES = {"Timeout": "TimeoutError"}
"""Where `retry_policy` has another name for an error class of the contract."""


def retries_allowed(
    error: UpstreamError,
    deployment: Deployment,
    group_size: int,
    settings: RouterSettings,
    asked_retries: int | None,
) -> int:
    """Return how many retries this error allows: by `retry_policy`, else the caller, else the settings.

    A policy for the class holds even where an error is not retried otherwise: what the caller caused, a
    refused credential while no other deployment exists, an unknown model, a prompt that is too long.
    """
    name = error.litellm_class
    policy = settings.retry_policy.get(_POLICY_NAMES.get(name, name))
    if policy is not None:
        return policy
    if not _is_retryable(error, group_size):
        return 0
    if asked_retries is not None:
        return asked_retries
    return settings.num_retries if deployment.max_retries is None else deployment.max_retries


def wait_seconds(
    error: UpstreamError, attempt: int, settings: RouterSettings, source: random.Random, *, has_other: bool
) -> float:
    """Return how long to wait before the retry with this number (from 0).

    Not at all where another deployment can take over; else what the provider asks for, up to a minute;
    else twice as long each time, with jitter, so that callers do not come back together.
    """
    if has_other:
        return 0.0
    asked = error.retry_after_seconds
    if asked is not None and 0 < asked <= _LONGEST_RETRY_AFTER_SECONDS:
        return max(asked, settings.retry_after)
    wait = min(_FIRST_WAIT_SECONDS * 2 ** min(attempt, 10), _LONGEST_WAIT_SECONDS)
    return max(wait * (0.75 + source.random() / 4), settings.retry_after)


def _is_retryable(error: UpstreamError, group_size: int) -> bool:
    if isinstance(error, UpstreamAuthenticationFailed):
        return group_size > 1
    return error.status in _RETRYABLE or error.status >= _FIRST_SERVER_ERROR
