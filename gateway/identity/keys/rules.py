"""Field by field: what a caller who is not an administrator may give a new key."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from gateway.domain import Limit, LimitKind, Principal, ScopeKind
from gateway.errors import PermissionDenied
from gateway.identity.keys.permits import MAKE_KEY
from gateway.identity.keys.request import GenerateKeyRequest
from gateway.identity.metadata import is_kept_away
from gateway.money import usd_from_nanos
from gateway.permits.terms import Party

__all__ = [
    "DASHBOARD_TEAM",
    "Covers",
    "UserBounds",
    "check_fields",
    "check_opens_no_more",
    "limits_of_key",
    "models_of_key",
    "restrict_to_caller",
]

Covers = Callable[[frozenset[str], str], bool]
"""Whether a list of models covers a name."""

DASHBOARD_TEAM = "litellm-dashboard"
"""The team of the short-lived keys that stand for a login: their own limits bind the session only."""

_LIMITED = (
    ("max_budget", LimitKind.BUDGET),
    ("rpm_limit", LimitKind.REQUESTS),
    ("tpm_limit", LimitKind.TOKENS),
    ("max_parallel_requests", LimitKind.PARALLEL),
)
_MINUTE = 60
_MANAGEMENT_ROUTES = "management_routes"
_NO_LIMITS: Mapping[str, float] = MappingProxyType({})


class UserBounds(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller's user row allows a personal key; None and empty mean no bound."""

    models: frozenset[str] = frozenset()
    max_budget: float | None = None
    tpm_limit: int | None = None
    rpm_limit: int | None = None
    max_parallel_requests: int | None = None


def check_fields(request: GenerateKeyRequest) -> None:
    """Raise PermissionDenied naming the first member that only an administrator may set."""
    given = (
        name for name in request.__struct_fields__ if getattr(request, name) not in (None, [], {}, 0, False)
    )
    # Owners, members and administrators of teams may give the same.
    refused = MAKE_KEY.first_refused(Party.OWNER, given)
    if refused is not None:
        raise _denied(refused, "Only proxy admins can set it.")
    for name in request.metadata or ():
        if is_kept_away(name):
            raise _denied(f"metadata.{name}", "It has a meaning for admission; only proxy admins can set it.")


def restrict_to_caller(
    caller: Principal, bounds: UserBounds, request: GenerateKeyRequest, covers: Covers
) -> GenerateKeyRequest:
    """Hold a new key to what the caller's key and user have.

    What the request leaves out and the caller's own key has is inherited; what goes beyond raises
    PermissionDenied. The keys of a login session (team `litellm-dashboard`) pass on no limits of their own.
    """
    is_session = caller.team_id == DASHBOARD_TEAM
    own: Mapping[str, float] = _NO_LIMITS if is_session else limits_of_key(caller)
    changes: dict[str, Any] = {}
    for name, _ in _LIMITED:
        value, bound = getattr(request, name), getattr(bounds, name)
        if value is None and name in own:
            changes[name] = own[name]
        elif value is not None and any(value > most for most in (own.get(name), bound) if most is not None):
            raise _denied(name, "It is above what you have yourself.")
    own_models = frozenset[str]() if is_session else models_of_key(caller)
    _check_models(request, own_models, bounds.models, covers)
    if own_models and not request.models:
        changes["models"] = sorted(own_models)
    if caller.allowed_routes and _MANAGEMENT_ROUTES not in caller.allowed_routes:
        changes["allowed_routes"] = list(caller.allowed_routes)
    return msgspec.structs.replace(request, **changes) if changes else request


def check_opens_no_more(caller: Principal, row: Mapping[str, Any], covers: Covers) -> None:
    """Raise PermissionDenied when a key whose secret is to be shown allows more than the caller's own.

    A login session is nobody's limit.
    """
    if caller.team_id == DASHBOARD_TEAM:
        return
    wider = [name for name, most in limits_of_key(caller).items() if row[name] is None or row[name] > most]
    models, routes = models_of_key(caller), frozenset(caller.allowed_routes)
    if models and not (row["models"] and all(covers(models, model) for model in row["models"])):
        wider.append("models")
    if routes and not (row["allowed_routes"] and routes.issuperset(row["allowed_routes"])):
        wider.append("allowed_routes")
    if wider:
        raise PermissionDenied(
            f"The key allows more than the one that you call with ({', '.join(wider)}).", param="key"
        )


def limits_of_key(caller: Principal) -> Mapping[str, float]:
    """The limits that the caller's own key has, by member; money in USD."""
    amounts = {limit.kind: limit.amount for limit in caller.limits if _is_plain_limit(limit)}
    return {
        name: usd_from_nanos(amounts[kind]) if kind is LimitKind.BUDGET else amounts[kind]
        for name, kind in _LIMITED
        if kind in amounts
    }


def _is_plain_limit(limit: Limit) -> bool:
    """Whether it is one of the four that a key has a column for, not one per model, period or day."""
    is_part = limit.model is not None or limit.period or limit.is_soft or limit.window_seconds > _MINUTE
    return limit.scope.kind is ScopeKind.KEY and not is_part


def models_of_key(caller: Principal) -> frozenset[str]:
    """The models that the caller's own key is restricted to; empty is every model."""
    for grant in caller.grants:
        if grant.owner.kind is ScopeKind.KEY:
            return grant.models
    return frozenset()


def _check_models(
    request: GenerateKeyRequest, own: frozenset[str], of_user: frozenset[str], covers: Covers
) -> None:
    for model in request.models or ():
        for models in (own, of_user):
            if models and not covers(models, model):
                raise _denied("models", f"You may not use the model '{model}' yourself.")


def _denied(path: str, reason: str) -> PermissionDenied:
    return PermissionDenied(f"Not allowed to set '{path}' on a key. {reason}", param=path)
