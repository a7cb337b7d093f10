"""The columns of a team, from a request that has passed every check."""

from collections.abc import Mapping
from typing import Any

from gateway.db.rows import Columns
from gateway.identity.metadata import merge_metadata
from gateway.identity.records import Records

__all__ = ["METADATA_FIELDS", "build_columns", "member_budget"]

METADATA_FIELDS = (
    *("tags", "guardrails", "prompts", "team_member_key_duration", "allowed_passthrough_routes"),
    *("denied_passthrough_routes", "disable_global_guardrails", "secret_manager_settings"),
    *("model_rpm_limit", "model_tpm_limit", "mcp_rpm_limit", "rpm_limit_type", "tpm_limit_type"),
    *("default_estimated_output_tokens", "default_estimated_output_tokens_per_model"),
    *("allowed_vector_store_indexes", "enforced_batch_output_expires_after", "enforced_file_expires_after"),
)
"""Members of a request that have no column and are kept in `metadata`."""

_PLAIN_COLUMNS = (
    *("team_alias", "tpm_limit", "rpm_limit", "tpd_limit", "max_parallel_requests", "max_budget"),
    *("soft_budget", "budget_duration", "models", "router_settings", "access_group_ids"),
    *("default_team_member_models", "model_max_budget", "policies", "team_member_permissions"),
)
_MEMBER_BUDGET = {
    "team_member_budget": "max_budget",
    "team_member_budget_duration": "budget_duration",
    "team_member_rpm_limit": "rpm_limit",
    "team_member_tpm_limit": "tpm_limit",
}
"""Members of a request that are columns of the budget row of the team's members."""


def build_columns(records: Records, sent: Mapping[str, Any], team: Mapping[str, Any]) -> Columns:
    """What changes in the row when these members were sent; `team` is empty for a new one."""
    columns: Columns = {name: sent[name] for name in _PLAIN_COLUMNS if name in sent}
    if sent.get("blocked") is not None:
        columns["blocked"] = sent["blocked"]
    if "organization_id" in sent:
        columns["organization_id"] = sent["organization_id"] or None
    if "budget_duration" in sent:
        columns["budget_reset_at"] = records.reset_at(sent["budget_duration"])
    if "budget_limits" in sent:
        columns["budget_limits"] = records.open_windows(sent["budget_limits"], team.get("budget_limits"))
    metadata = merge_metadata(
        team.get("metadata") or {}, sent, METADATA_FIELDS, always_keep=("team_member_budget_id",)
    )
    if metadata is not None:
        columns["metadata"] = metadata
    return columns


def member_budget(sent: Mapping[str, Any]) -> dict[str, object]:
    """The sent members of the budget that each member has in the team, by the names of a budget row."""
    return {column: sent[name] for name, column in _MEMBER_BUDGET.items() if name in sent}
