"""Field by field: what whom may set on a user."""

from collections.abc import Mapping
from typing import Any

from gateway.identity.master import MASTER_USER_ID
from gateway.identity.metadata import is_kept_away
from gateway.identity.rights import is_same, refuse_field
from gateway.identity.users.permits import CHANGE_USER, MAKE_USER
from gateway.permits.terms import Party

__all__ = ["check_new_fields", "check_own_fields"]

_INTERNAL_ROLES = frozenset({"internal_user", "internal_user_viewer"})


def check_new_fields(sent: Mapping[str, Any]) -> None:
    """Raise PermissionDenied for a member that an organization's administrator may not give a new user."""
    refused = MAKE_USER.first_refused(Party.ORGANIZATION_ADMIN, sent)
    if refused is not None:
        raise refuse_field(refused, "user", "Only proxy admins can set it.")
    if sent.get("user_id") == MASTER_USER_ID:
        raise refuse_field("user_id", "user", "It is the operator's.")
    if sent.get("user_role", "internal_user") not in _INTERNAL_ROLES:
        raise refuse_field("user_role", "user", "Only proxy admins make administrators.")
    _check_metadata({}, sent.get("metadata") or {})


def check_own_fields(sent: Mapping[str, Any], row: Mapping[str, Any]) -> None:
    """Raise PermissionDenied for a member that users may not change on themselves; unchanged ones pass."""
    changed = (name for name, value in sent.items() if not is_same(row.get(name), value))
    refused = CHANGE_USER.first_refused(Party.OWNER, changed)
    if refused is not None:
        raise refuse_field(refused, "user", "Only proxy admins can set it.")
    if "metadata" in sent:
        _check_metadata(row["metadata"] or {}, sent["metadata"] or {})


def _check_metadata(stored: Mapping[str, object], given: Mapping[str, object]) -> None:
    for name in {**stored, **given}:
        if is_kept_away(name) and stored.get(name) != given.get(name):
            reason = "It has a meaning for admission; only proxy admins can set it."
            raise refuse_field(f"metadata.{name}", "user", reason)
