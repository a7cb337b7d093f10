"""Field by field: what whom may set on a user."""

from collections.abc import Mapping
from typing import Any

from gateway.identity.metadata import is_kept_away
from gateway.identity.rights import is_same, refuse_field

__all__ = ["check_new_fields", "check_own_fields"]

_ORGANIZATION_ADMIN_FIELDS = frozenset(
    {
        *("user_id", "user_email", "user_alias", "user_role", "organizations", "auto_create_key", "teams"),
        *("max_budget", "budget_duration", "models", "tpm_limit", "rpm_limit", "max_parallel_requests"),
        *("metadata", "key_alias", "duration"),
    }
)
_OWN_FIELDS = frozenset({"user_id", "user_alias", "metadata"})
_INTERNAL_ROLES = frozenset({"internal_user", "internal_user_viewer"})


def check_new_fields(sent: Mapping[str, Any]) -> None:
    """Raise PermissionDenied for a member that an organization's administrator may not give a new user."""
    for name in sent:
        if name not in _ORGANIZATION_ADMIN_FIELDS:
            raise refuse_field(name, "user", "Only proxy admins can set it.")
    if sent.get("user_role", "internal_user") not in _INTERNAL_ROLES:
        raise refuse_field("user_role", "user", "Only proxy admins make administrators.")
    _check_metadata({}, sent.get("metadata") or {})


def check_own_fields(sent: Mapping[str, Any], row: Mapping[str, Any]) -> None:
    """Raise PermissionDenied for a member that users may not change on themselves; unchanged ones pass."""
    for name, value in sent.items():
        if name not in _OWN_FIELDS and not is_same(row.get(name), value):
            raise refuse_field(name, "user", "Only proxy admins can set it.")
    if "metadata" in sent:
        _check_metadata(row["metadata"] or {}, sent["metadata"] or {})


def _check_metadata(stored: Mapping[str, object], given: Mapping[str, object]) -> None:
    for name in {**stored, **given}:
        if is_kept_away(name) and stored.get(name) != given.get(name):
            reason = "It has a meaning for admission; only proxy admins can set it."
            raise refuse_field(f"metadata.{name}", "user", reason)
