"""Field by field: what a caller who is not an administrator may change on a key."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from gateway.domain import Principal
from gateway.identity.keys.permits import CHANGE_KEY
from gateway.identity.keys.rules import (
    DASHBOARD_TEAM,
    Covers,
    UserBounds,
    limits_of_key,
    models_of_key,
)
from gateway.identity.metadata import is_kept_away
from gateway.identity.rights import is_same, refuse_field
from gateway.permits.terms import Party

__all__ = ["Hold", "check_changed_fields"]

_LIMITS = ("max_budget", "rpm_limit", "tpm_limit", "tpd_limit", "max_parallel_requests")
_LOOSENS = (
    *("budget_duration", "budget_limits", "model_max_budget", "soft_budget", "aliases", "duration"),
    *("model_rpm_limit", "model_tpm_limit", "mcp_rpm_limit", "auto_rotate", "rotation_interval"),
)
_CHECKS = ("guardrails", "prompts", "enforced_params", "denied_passthrough_routes")
_ADMIN_ONLY = "Only proxy admins can set it."


class Hold(IntEnum):
    """How a caller holds a key."""

    OWNER = 0
    """It made the key and owns it; somebody else has changed it since, so that it may take and not give."""
    MAKER = 1
    """It made the key, owns it, and changed it last."""
    TEAM_ADMIN = 2
    """It administers the key's team, whose own limits hold beside those of the key."""


def check_changed_fields(
    caller: Principal,
    hold: Hold,
    bounds: UserBounds,
    sent: Mapping[str, Any],
    row: Mapping[str, Any],
    covers: Covers,
) -> None:
    """Raise PermissionDenied naming the first sent member that is not the caller's to set.

    `bounds` are those of the user's row, for a personal key. What stays as it is stored is nobody's business.
    A team admin may give a key to a member: whether the named one is, is for others to look up.
    """
    changed = {name: value for name, value in sent.items() if not _is_stored(row, name, value)}
    party = Party.TEAM_ADMIN if hold is Hold.TEAM_ADMIN else Party.OWNER
    refused = CHANGE_KEY.first_refused(party, changed)
    if refused is not None:
        raise refuse_field(refused, "key", _ADMIN_ONLY)
    if "user_id" in changed and not changed["user_id"]:
        raise refuse_field("user_id", "key", "A key keeps an owner.")
    _check_metadata(changed, row)
    if row["updated_by"] != caller.user_id:
        _check_stay(changed, _CHECKS)
    if hold is Hold.OWNER:
        _check_stay(changed, _LOOSENS)
        _check_is_lowered(changed, row, covers)
    # A login session is nobody's limit; any other key passes on no more than it has.
    if caller.team_id != DASHBOARD_TEAM:
        _check_models_within(changed, models_of_key(caller), covers)
        _check_limits_within(changed, limits_of_key(caller))
        if row["token"] == caller.token_hash and row["expires"] is not None:
            _check_stay(changed, ("duration",))
    _check_models_within(changed, bounds.models, covers)
    _check_limits_within(changed, {name: getattr(bounds, name, None) for name in _LIMITS})


def _is_stored(row: Mapping[str, Any], name: str, value: object) -> bool:
    if name in ("key", "duration"):
        return name == "key" or value is None
    metadata: Mapping[str, object] = row["metadata"] or {}
    stored = row[name] if name in row else metadata.get(name)
    return is_same(stored, value)


def _check_metadata(changed: Mapping[str, Any], row: Mapping[str, Any]) -> None:
    if "metadata" not in changed:
        return
    stored: Mapping[str, object] = row["metadata"] or {}
    given: Mapping[str, object] = changed["metadata"] or {}
    for name in {**stored, **given}:
        if is_kept_away(name) and stored.get(name) != given.get(name):
            raise refuse_field(f"metadata.{name}", "key", f"It has a meaning for admission. {_ADMIN_ONLY}")


def _check_stay(changed: Mapping[str, Any], names: tuple[str, ...]) -> None:
    """Refuse what cannot be told to be tighter than what somebody else has set."""
    for name in names:
        if name in changed:
            raise refuse_field(name, "key", "Somebody else has set it for this key.")


def _check_limits_within(changed: Mapping[str, Any], most: Mapping[str, float | None]) -> None:
    for name in _LIMITS:
        bound = most.get(name)
        if name in changed and bound is not None and (changed[name] is None or changed[name] > bound):
            raise refuse_field(name, "key", "It is above what you have yourself.")


def _check_models_within(changed: Mapping[str, Any], models: frozenset[str], covers: Covers) -> None:
    if "models" in changed and models:
        wanted: list[str] = changed["models"] or []
        if not wanted or not all(covers(models, model) for model in wanted):
            raise refuse_field("models", "key", "It is more than you may use.")


def _check_is_lowered(changed: Mapping[str, Any], row: Mapping[str, Any], covers: Covers) -> None:
    for name in _LIMITS:
        stored = row[name]
        if name in changed and stored is not None and (changed[name] is None or changed[name] > stored):
            raise refuse_field(name, "key", "It is more than the key has.")
    _check_models_within(changed, frozenset(row["models"] or ()), covers)
