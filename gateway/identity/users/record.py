"""The columns of a user, from a request that has passed every check."""

from collections.abc import Mapping
from typing import Any

from gateway.db.rows import Columns
from gateway.identity.metadata import merge_metadata
from gateway.identity.records import Records

__all__ = ["METADATA_FIELDS", "build_columns"]

METADATA_FIELDS = (
    *("guardrails", "prompts", "model_rpm_limit", "model_tpm_limit", "mcp_rpm_limit", "tag_rpm_limit"),
)
"""Members of a request that have no column and are kept in `metadata`."""

_PLAIN_COLUMNS = (
    *("user_alias", "user_role", "max_budget", "budget_duration", "models", "tpm_limit", "rpm_limit"),
    *("max_parallel_requests", "allowed_cache_controls", "model_max_budget", "policies", "sso_user_id"),
)


def build_columns(records: Records, sent: Mapping[str, Any], stored: Mapping[str, object]) -> Columns:
    """What changes in the row when these members were sent; `stored` is the metadata that the user has."""
    columns: Columns = {name: sent[name] for name in _PLAIN_COLUMNS if name in sent}
    if sent.get("spend") is not None:
        columns["spend"] = sent["spend"]
    if "user_email" in sent:
        columns["user_email"] = sent["user_email"].strip().lower() if sent["user_email"] else None
    if "budget_duration" in sent:
        columns["budget_reset_at"] = records.reset_at(sent["budget_duration"])
    metadata = merge_metadata(stored, sent, METADATA_FIELDS)
    if metadata is not None:
        columns["metadata"] = metadata
    return columns
