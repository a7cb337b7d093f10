"""Whether the values that requests of every resource share make sense, whoever sends them."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, cast

import msgspec

from gateway.identity.durations import parse_duration
from gateway.identity.faults import Faults
from gateway.identity.stored_values import as_object, read_counts, read_texts

__all__ = [
    "HIGHEST_USD",
    "BudgetLimitEntry",
    "check_members",
    "check_money",
    "check_name_of_requests",
    "check_soft_budget",
    "check_text",
]

HIGHEST_USD = 1e9
"""Amounts are kept as nano-dollars in 64 bits, which hold nine times as much."""

_HIGHEST_BIGINT = 2**63 - 1
_HIGHEST_INTEGER = 2**31 - 1
_LONGEST_TEXT = 512
_LARGEST_ID = 1_024
_LONGEST_NAME_OF_REQUESTS = 256
"""Of longer names in requests no more is read."""
_LONGEST_DESCRIPTION = 8_192
_MOST_NAMES = 2_000
_LARGEST_METADATA = 64 * 1024
_METADATA_RATES = (
    *("model_rpm_limit", "model_tpm_limit", "model_itpm_limit", "model_otpm_limit"),
    *("tag_rpm_limit", "mcp_rpm_limit"),
)
_METADATA_LISTS = (
    *("allowed_tools", "enforced_params", "policies", "guardrails", "tags"),
    *("allowed_passthrough_routes", "denied_passthrough_routes"),
)
_ALSO_READ: Mapping[str, type | tuple[()]] = MappingProxyType({"guardrails": dict, "tags": str})
"""What a list may be instead: a right of a team's, texts with commas between."""

_CONTROLS = frozenset(map(chr, (*range(32), 127)))

Check = Callable[[Faults, str, Any], None]


class BudgetLimitEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One budget window: USD per duration."""

    budget_duration: str
    max_budget: float
    reset_at: str | None = None


def check_members(faults: Faults, members: Mapping[str, Any]) -> None:
    """Note what is negative, endless, absurd, too long or not readable; None is not looked at."""
    for name, value in members.items():
        check = _CHECKS.get(name)
        if check is not None and value is not None:
            check(faults, name, value)


def check_soft_budget(faults: Faults, soft_budget: float | None, max_budget: float | None) -> None:
    """Note a warning that would come when nothing may be spent any more."""
    if soft_budget is not None and max_budget is not None and soft_budget >= max_budget:
        faults.add("soft_budget", f"must be below max_budget, {max_budget}. Received: {soft_budget}")


def check_money(faults: Faults, path: str, usd: float) -> None:
    """Note an amount that is negative, not finite, or more than can be counted."""
    if not math.isfinite(usd):
        faults.add(path, "must be a finite number of US dollars.")
    elif usd < 0:
        faults.add(path, f"cannot be negative. Received: {usd}")
    elif usd > HIGHEST_USD:
        faults.add(path, f"must be at most {HIGHEST_USD:.0f} US dollars.")


def check_text(faults: Faults, path: str, text: str) -> None:
    """Note a name or id that is empty or too long."""
    if not text.strip() or len(text) > _LONGEST_TEXT:
        faults.add(path, f"must have between 1 and {_LONGEST_TEXT} characters.")


def check_name_of_requests(faults: Faults, path: str, name: str) -> None:
    """Note a name that no request could say, so that no block and no budget of its would ever hold."""
    is_plain = name == name.strip() and not any(character in _CONTROLS for character in name)
    if not 1 <= len(name) <= _LONGEST_NAME_OF_REQUESTS or not is_plain:
        faults.add(
            path,
            f"must have between 1 and {_LONGEST_NAME_OF_REQUESTS} characters, without spaces at its ends and "
            "without control characters: requests can carry no other names.",
        )


def _check_id(faults: Faults, path: str, text: str) -> None:
    """Note an id that would not fit the indexes of the daily tables beside a model's name."""
    check_text(faults, path, text)
    if len(text) <= _LONGEST_TEXT and len(text.encode(errors="replace")) > _LARGEST_ID:
        faults.add(path, f"must have at most {_LARGEST_ID} bytes of UTF-8.")


def _check_description(faults: Faults, path: str, text: str) -> None:
    if len(text) > _LONGEST_DESCRIPTION:
        faults.add(path, f"must have at most {_LONGEST_DESCRIPTION} characters.")


def _counts_to(highest: int) -> Check:
    def check(faults: Faults, path: str, count: int) -> None:
        if not 0 <= count <= highest:
            faults.add(path, f"must be between 0 and {highest}. Received: {count}")

    return check


_check_bigint = _counts_to(_HIGHEST_BIGINT)


def _check_duration(faults: Faults, path: str, text: str) -> None:
    try:
        parse_duration(text)
    except ValueError as error:
        faults.add(path, str(error))


def _check_names(faults: Faults, path: str, names: Sequence[str]) -> None:
    if len(names) > _MOST_NAMES:
        faults.add(path, f"must have at most {_MOST_NAMES} entries. Received: {len(names)}")
        return
    for index, name in enumerate(names):
        check_text(faults, f"{path}[{index}]", name)


def _check_aliases(faults: Faults, path: str, aliases: Mapping[str, str]) -> None:
    _check_names(faults, path, [*aliases, *aliases.values()])


def _check_rates(faults: Faults, path: str, rates: Mapping[str, int]) -> None:
    for name, count in rates.items():
        check_text(faults, path, name)
        _check_bigint(faults, f"{path}.{name[:_LONGEST_TEXT]}", count)


def _check_windows(faults: Faults, path: str, windows: Sequence[BudgetLimitEntry]) -> None:
    for index, entry in enumerate(windows):
        check_money(faults, f"{path}[{index}].max_budget", entry.max_budget)
        _check_duration(faults, f"{path}[{index}].budget_duration", entry.budget_duration)
    durations = [entry.budget_duration for entry in windows]
    if len(set(durations)) < len(durations):
        faults.add(path, "can have one window per duration.")


def _check_model_budgets(faults: Faults, path: str, budgets: Mapping[str, object]) -> None:
    for model, budget in budgets.items():
        check_text(faults, path, model)
        _check_model_budget(faults, f"{path}.{model[:_LONGEST_TEXT]}", budget)


def _check_model_budget(faults: Faults, path: str, budget: object) -> None:
    """Either a number of USD, or an object with `budget_limit` (or `max_budget`), a duration and rates."""
    values: Mapping[str, object] = {"budget_limit": budget}
    if isinstance(budget, Mapping):
        values = cast("Mapping[str, object]", budget)  # JSON objects have text keys
    for name in ("budget_limit", "max_budget"):
        if values.get(name) is not None:
            _check_amount(faults, f"{path}.{name}", values[name])
    for name in ("time_period", "budget_duration"):
        if values.get(name) is not None:
            _check_duration(faults, f"{path}.{name}", str(values[name]))
    for name in ("tpm_limit", "rpm_limit"):
        count = values.get(name)
        if isinstance(count, int) and not isinstance(count, bool):
            _check_bigint(faults, f"{path}.{name}", count)
        elif count is not None:
            faults.add(f"{path}.{name}", "must be a whole number.")


def _check_amount(faults: Faults, path: str, amount: object) -> None:
    if isinstance(amount, bool) or not isinstance(amount, int | float | str):
        faults.add(path, "must be a number of US dollars.")
        return
    try:
        check_money(faults, path, float(amount))
    except (ValueError, OverflowError):
        faults.add(path, "must be a number of US dollars.")


def _check_metadata(faults: Faults, path: str, metadata: Mapping[str, object]) -> None:
    if len(msgspec.json.encode(metadata)) > _LARGEST_METADATA:
        faults.add(path, f"must be at most {_LARGEST_METADATA} bytes of JSON.")
    # What the request path cannot read there refuses every request.
    for name in _METADATA_RATES:
        counts = read_counts(metadata.get(name))
        if counts is None:
            faults.add(f"{path}.{name}", "must be an object with a whole number for each name.")
        given = as_object(metadata.get(name)) or {}
        for key, count in (counts or {}).items():
            if count is None:
                faults.add(f"{path}.{name}.{key[:_LONGEST_TEXT]}", "must be a whole number.")
            elif count == 0 and _is_negative(given.get(key)):
                faults.add(f"{path}.{name}.{key[:_LONGEST_TEXT]}", "cannot be negative.")
    for name in _METADATA_LISTS:
        value = metadata.get(name)
        if read_texts(value) is None and not isinstance(value, _ALSO_READ.get(name, ())):
            faults.add(f"{path}.{name}", "must be a list of texts.")


def _is_negative(count: object) -> bool:
    # A count has been read from it, so it is a number or the text of one.
    return isinstance(count, int | float | str) and float(count) < 0


def _check_fallbacks(faults: Faults, path: str, fallbacks: Mapping[str, object]) -> None:
    """The models that take over from one: a name, or a list of names."""
    for model, names in fallbacks.items():
        if not isinstance(names, str) and not read_texts(names):
            faults.add(f"{path}.{model[:_LONGEST_TEXT]}", "must be a model name, or a list of them.")


def _check_moment(faults: Faults, path: str, moment: datetime) -> None:
    try:
        moment.astimezone(UTC)
    except OverflowError:
        faults.add(path, "is out of range.")


def _checks(check: Check, *names: str) -> dict[str, Check]:
    return dict.fromkeys(names, check)


_CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        **_checks(check_money, "spend", "max_budget", "soft_budget", "temp_budget_increase"),
        **_checks(check_money, "max_budget_in_team", "team_member_budget", "max_budget_in_organization"),
        **_checks(_check_bigint, "tpm_limit", "rpm_limit", "tpd_limit", "default_estimated_output_tokens"),
        **_checks(_check_bigint, "team_member_rpm_limit", "team_member_tpm_limit"),
        **_checks(_counts_to(_HIGHEST_INTEGER), "max_parallel_requests"),
        **_checks(_check_rates, "model_rpm_limit", "model_tpm_limit", "mcp_rpm_limit", "tag_rpm_limit"),
        **_checks(_check_rates, "model_itpm_limit", "model_otpm_limit"),
        **_checks(_check_rates, "default_estimated_output_tokens_per_model"),
        **_checks(_check_duration, "duration", "budget_duration", "rotation_interval"),
        **_checks(_check_duration, "team_member_budget_duration", "team_member_key_duration"),
        **_checks(_check_id, "user_id", "team_id", "agent_id", "organization_id", "project_id"),
        **_checks(
            check_text,
            "key_alias",
            "budget_id",
            "end_user_budget_id",
            "team_alias",
            "organization_alias",
            "alias",
        ),
        **_checks(check_text, "project_alias", "user_alias", "user_email", "sso_user_id", "name"),
        **_checks(check_text, "default_model"),
        **_checks(_check_description, "description"),
        **_checks(_check_names, "models", "allowed_routes", "allowed_models", "default_team_member_models"),
        **_checks(_check_names, "tags", "guardrails", "policies", "prompts", "access_group_ids", "admins"),
        **_checks(_check_names, "members", "organizations", "team_member_permissions", "names", "budgets"),
        **_checks(_check_names, "user_ids", "organization_ids", "project_ids"),
        **_checks(_check_names, "access_model_names", "access_mcp_server_ids", "access_agent_ids"),
        **_checks(_check_names, "assigned_team_ids", "assigned_key_ids"),
        **_checks(_check_names, "allowed_cache_controls", "enforced_params"),
        **_checks(_check_names, "allowed_passthrough_routes", "denied_passthrough_routes"),
        **_checks(_check_aliases, "aliases", "model_aliases"),
        **_checks(_check_windows, "budget_limits"),
        **_checks(_check_model_budgets, "model_max_budget"),
        **_checks(_check_metadata, "metadata"),
        **_checks(_check_fallbacks, "budget_fallbacks"),
        **_checks(_check_moment, "budget_reset_at", "temp_budget_expiry"),
    }
)
