"""Whether the values of a key request make sense, whoever sends them."""

import math
from collections.abc import Mapping, Sequence
from typing import cast

from gateway.errors import BadRequest
from gateway.identity.credentials import KEY_PREFIX
from gateway.identity.durations import Duration, parse_duration
from gateway.identity.key_request import GenerateKeyRequest

__all__ = ["HIGHEST_USD", "check_values", "read_duration", "refuse"]

HIGHEST_USD = 1e9
"""Amounts are kept as nano-dollars in 64 bits, which hold nine times as much."""

_MONEY = ("spend", "max_budget", "soft_budget")
_BIGINTS = ("tpm_limit", "rpm_limit", "tpd_limit", "default_estimated_output_tokens")
_RATES_PER_NAME = (
    "model_rpm_limit",
    "model_tpm_limit",
    "mcp_rpm_limit",
    "tag_rpm_limit",
    "default_estimated_output_tokens_per_model",
)
_DURATIONS = ("duration", "budget_duration", "rotation_interval")
_SHORT_TEXTS = ("key_alias", "user_id", "team_id", "agent_id", "organization_id", "project_id", "budget_id")
_SHORTEST_KEY = 16
_LONGEST_TEXT = 512
_HIGHEST_BIGINT = 2**63 - 1
_HIGHEST_INTEGER = 2**31 - 1


def refuse(path: str, message: str) -> BadRequest:
    """The error for a value that cannot be; `path` names the member."""
    return BadRequest(f"{path}: {message}", param=path, type="bad_request_error")


def check_values(request: GenerateKeyRequest) -> None:
    """Raise BadRequest naming the member for the first value that is negative, endless or not readable."""
    for name in _MONEY:
        _check_money(name, getattr(request, name))
    for name in _BIGINTS:
        _check_count(name, getattr(request, name), _HIGHEST_BIGINT)
    _check_count("max_parallel_requests", request.max_parallel_requests, _HIGHEST_INTEGER)
    for name in _RATES_PER_NAME:
        counts: dict[str, int] | None = getattr(request, name)
        for model, count in (counts or {}).items():
            _check_count(f"{name}.{model}", count, _HIGHEST_BIGINT)
    for name in _DURATIONS:
        read_duration(name, getattr(request, name))
    for name in _SHORT_TEXTS:
        _check_text(name, getattr(request, name))
    _check_names("models", request.models or ())
    _check_names("allowed_routes", request.allowed_routes or ())
    _check_names("aliases", [*(request.aliases or {}), *(request.aliases or {}).values()])
    _check_windows(request)
    _check_custom_key(request.key)
    if request.auto_rotate and request.rotation_interval is None:
        raise refuse("rotation_interval", "auto_rotate needs an interval, for example 30d.")
    if request.budget_id is not None and request.soft_budget is not None:
        raise refuse("soft_budget", "it makes a budget row of its own, so it cannot go with budget_id.")


def read_duration(path: str, text: str | None) -> Duration | None:
    """Read a duration of the request; raises BadRequest naming the member."""
    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise refuse(path, str(error)) from None


def _check_money(path: str, usd: float | None) -> None:
    if usd is None:
        return
    if not math.isfinite(usd):
        raise refuse(path, "must be a finite number of US dollars.")
    if usd < 0:
        raise refuse(path, f"cannot be negative. Received: {usd}")
    if usd > HIGHEST_USD:
        raise refuse(path, f"must be at most {HIGHEST_USD:.0f} US dollars.")


def _check_count(path: str, count: int | None, highest: int) -> None:
    if count is not None and not 0 <= count <= highest:
        raise refuse(path, f"must be between 0 and {highest}. Received: {count}")


def _check_text(path: str, text: str | None) -> None:
    if text is None:
        return
    if not text.strip() or len(text) > _LONGEST_TEXT:
        raise refuse(path, f"must have between 1 and {_LONGEST_TEXT} characters.")


def _check_names(path: str, names: Sequence[str]) -> None:
    for index, name in enumerate(names):
        _check_text(f"{path}[{index}]", name)


def _check_windows(request: GenerateKeyRequest) -> None:
    for index, entry in enumerate(request.budget_limits or ()):
        _check_money(f"budget_limits[{index}].max_budget", entry.max_budget)
        read_duration(f"budget_limits[{index}].budget_duration", entry.budget_duration)
    for model, budget in (request.model_max_budget or {}).items():
        _check_model_budget(f"model_max_budget.{model}", budget)


def _check_model_budget(path: str, budget: object) -> None:
    """Either a number of USD, or an object with `budget_limit` (or `max_budget`) and a duration."""
    values = {"budget_limit": budget}
    if isinstance(budget, Mapping):
        values = dict(cast("Mapping[str, object]", budget))  # JSON objects have text keys
    for name in ("budget_limit", "max_budget"):
        amount = values.get(name)
        if amount is None:
            continue
        if isinstance(amount, bool) or not isinstance(amount, int | float | str):
            raise refuse(f"{path}.{name}", "must be a number of US dollars.")
        _check_money(f"{path}.{name}", _number(f"{path}.{name}", amount))


def _number(path: str, amount: float | str) -> float:
    try:
        return float(amount)
    except (ValueError, OverflowError):
        raise refuse(path, "must be a number of US dollars.") from None


def _check_custom_key(key: str | None) -> None:
    if key is None:
        return
    if not key.startswith(KEY_PREFIX):
        raise refuse("key", "Invalid key format. LiteLLM Virtual Key must start with 'sk-'.")
    if not _SHORTEST_KEY <= len(key) <= _LONGEST_TEXT:
        raise refuse("key", f"must have between {_SHORTEST_KEY} and {_LONGEST_TEXT} characters.")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise refuse("key", "must consist of printable ASCII characters without spaces.")
