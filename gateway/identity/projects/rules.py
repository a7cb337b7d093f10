"""Field by field: what whom may set on a project."""

from collections.abc import Mapping
from typing import Any

from gateway.identity.metadata import is_kept_away
from gateway.identity.rights import is_same, refuse_field

__all__ = ["METADATA_FIELDS", "check_fields"]

METADATA_FIELDS = (*("tags", "guardrails", "policies", "model_itpm_limit", "model_otpm_limit"),)
"""Members of a request that have no column and are kept in `metadata`."""

# Listed is what may be set; whatever the contract adds later is refused until somebody has thought about it.
_TEAM_ADMIN_FIELDS = frozenset(
    {
        *("team_id", "project_id", "project_alias", "description", "models", "metadata", "blocked"),
        *("max_budget", "soft_budget", "budget_duration", "max_parallel_requests", "tpm_limit", "rpm_limit"),
        *("tpd_limit", "model_max_budget", "model_rpm_limit", "model_tpm_limit", "model_itpm_limit"),
        *("model_otpm_limit",),
    }
)


def check_fields(sent: Mapping[str, Any], project: Mapping[str, Any] | None) -> None:
    """Raise PermissionDenied naming the first sent member that a team's administrator may not set.

    `project` is the stored row, None for a project to be. What does not change is nobody's business.
    """
    stored: Mapping[str, object] = (project["metadata"] if project else None) or {}
    for name, value in sent.items():
        if name not in _TEAM_ADMIN_FIELDS and not _is_stored(project, stored, name, value):
            raise refuse_field(name, "project", "Only proxy admins can set it.")
    if "metadata" not in sent:
        return
    given: Mapping[str, object] = sent["metadata"] or {}
    for name in {**stored, **given}:
        # A rate of the project's own, named beside `metadata`, is looked at as that member.
        if is_kept_away(name) and name not in sent and stored.get(name) != given.get(name):
            reason = "It has a meaning for admission; only proxy admins can set it."
            raise refuse_field(f"metadata.{name}", "project", reason)


def _is_stored(
    project: Mapping[str, Any] | None, metadata: Mapping[str, object], name: str, value: object
) -> bool:
    if project is None:
        return False
    return is_same(project[name] if name in project else metadata.get(name), value)
