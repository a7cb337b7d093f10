"""The column `metadata`: what its owner writes into it, and the members that the gateway keeps there."""

from collections.abc import Iterable, Mapping
from typing import cast

__all__ = ["MEANINGFUL", "is_kept_away", "merge_metadata", "merge_patch"]

MEANINGFUL = frozenset(
    {
        *("tags", "guardrails", "policies", "prompts", "logging", "tag_rpm_limit", "model_rpm_limit"),
        *("model_tpm_limit", "model_itpm_limit", "model_otpm_limit", "mcp_rpm_limit", "rpm_limit_type"),
        *("tpm_limit_type", "enforced_params", "temp_budget_increase", "temp_budget_expiry"),
        *("allowed_tools", "allowed_passthrough_routes", "denied_passthrough_routes"),
        *("disable_global_guardrails", "service_account_id", "priority", "litellm_disabled_callbacks"),
        *("allow_client_mock_response", "end_user_budget_id", "throttle_on_budget_exceeded"),
        *("enable_prompt_caching", "max_iterations", "max_budget_per_session"),
        *("allow_client_side_credentials", "allow_client_pricing_override", "team_member_budget_id"),
        *("callback_settings", "secret_manager_settings", "soft_budget_alerting_emails", "scim_active"),
        *("team_member_key_duration", "allowed_vector_store_indexes", "opted_out_global_guardrails"),
        *("default_estimated_output_tokens", "default_estimated_output_tokens_per_model"),
    }
)
"""Members that admission, guardrails or callbacks read: only administrators set them."""


def is_kept_away(name: str) -> bool:
    """Whether a caller who is no administrator may not write this member."""
    return name in MEANINGFUL or name.startswith("_")


def merge_metadata(
    stored: Mapping[str, object],
    sent: Mapping[str, object],
    kept_fields: Iterable[str],
    *,
    always_keep: Iterable[str] = (),
) -> dict[str, object] | None:
    """What the column becomes when a request sends these members, or None when it says nothing about it.

    A sent `metadata` replaces what is stored, except for `always_keep`; None empties it. Each of
    `kept_fields` that was sent is put into it, or taken out of it when it is None.
    """
    fields = [name for name in kept_fields if name in sent]
    if "metadata" not in sent and not fields:
        return None
    merged = dict(stored)
    if "metadata" in sent:
        given = cast("Mapping[str, object] | None", sent["metadata"])  # an object in every request
        merged = {**(given or {}), **{name: stored[name] for name in always_keep if name in stored}}
    for name in fields:
        merged.pop(name, None)
        if sent[name] is not None:
            merged[name] = sent[name]
    return merged


def merge_patch(stored: Mapping[str, object], patch: Mapping[str, object]) -> dict[str, object]:
    """The stored object with a patch merged into it, as RFC 7396 has it: null removes, objects merge."""
    merged = dict(stored)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            inner = _object(value)
            merged[name] = value if inner is None else merge_patch(_object(merged.get(name)) or {}, inner)
    return merged


def _object(value: object) -> Mapping[str, object] | None:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else None  # JSON has text keys
