"""Field by field: what whom may set on a team, and what its organization leaves it."""

from collections.abc import Mapping
from typing import Any

from gateway.identity.faults import Faults
from gateway.identity.keys.rules import Covers
from gateway.identity.metadata import is_kept_away
from gateway.identity.rights import Level, is_same, party_of, refuse_field
from gateway.identity.special_models import NO_DEFAULT_MODELS
from gateway.identity.teams.permits import CHANGE_TEAM, MAKE_TEAM

__all__ = ["check_fields", "check_within"]

_LOWERED_ONLY = ("max_budget", "soft_budget", "tpm_limit", "rpm_limit", "tpd_limit", "max_parallel_requests")
_BOUNDED = ("max_budget", "tpm_limit", "rpm_limit", "tpd_limit", "max_parallel_requests")


def check_fields(
    level: Level, sent: Mapping[str, Any], team: Mapping[str, Any] | None, covers: Covers
) -> None:
    """Raise PermissionDenied naming the first sent member that is not the caller's to set.

    `team` is the stored row, None for a team to be. What does not change is nobody's business. An
    administrator of the team may take from the team, never give it more.
    """
    if level is Level.PROXY_ADMIN:
        return
    changed = {name: value for name, value in sent.items() if not _is_stored(team, name, value)}
    permit = MAKE_TEAM if team is None else CHANGE_TEAM
    refused = permit.first_refused(party_of(level), changed)
    if refused is not None:
        raise refuse_field(refused, "team", "Ask somebody who administers more than this team.")
    if "organization_id" in changed and not changed["organization_id"]:
        raise refuse_field(
            "organization_id", "team", "Only proxy admins take a team out of its organization."
        )
    _check_metadata(changed, team)
    if level is not Level.ORGANIZATION_ADMIN and team is not None:
        _check_is_lowered(changed, team, covers)


def check_within(
    faults: Faults, holder: str, bounds: Mapping[str, Any], values: Mapping[str, Any], covers: Covers
) -> None:
    """Note what a team is to get beyond what `holder` (its organization, its maker) has.

    `bounds` are `max_budget`, rates and `models`; None and an empty list bound nothing.
    """
    for name in _BOUNDED:
        value, bound = values.get(name), bounds.get(name)
        if value is not None and bound is not None and value > bound:
            faults.add(name, f"{value} is above the limit of the {holder}, {bound}.")
    models = frozenset(bounds.get("models") or ())
    for model in values.get("models") or () if models else ():
        if model != NO_DEFAULT_MODELS and not covers(models, model):
            faults.add("models", f"the {holder} may not use the model '{model}'.")


def _is_stored(team: Mapping[str, Any] | None, name: str, value: object) -> bool:
    if team is None:
        return is_same(None, value)
    metadata: Mapping[str, object] = team["metadata"] or {}
    stored = team[name] if name in team else metadata.get(name)
    return is_same(stored, value)


def _check_metadata(changed: Mapping[str, Any], team: Mapping[str, Any] | None) -> None:
    if "metadata" not in changed:
        return
    stored: Mapping[str, object] = (team["metadata"] if team else None) or {}
    given: Mapping[str, object] = changed["metadata"] or {}
    for name in {**stored, **given}:
        if is_kept_away(name) and stored.get(name) != given.get(name):
            reason = "It has a meaning for admission; only proxy admins can set it."
            raise refuse_field(f"metadata.{name}", "team", reason)


def _check_is_lowered(changed: Mapping[str, Any], team: Mapping[str, Any], covers: Covers) -> None:
    reason = "It is more than the team has."
    for name in _LOWERED_ONLY:
        if name in changed and team[name] is not None:
            value = changed[name]
            if value is None or value > team[name]:
                raise refuse_field(name, "team", reason)
    models = frozenset[str](team["models"] or ())
    if "models" in changed and models:
        wanted: list[str] = changed["models"] or []
        if not wanted or not all(covers(models, model) for model in wanted):
            raise refuse_field("models", "team", reason)
