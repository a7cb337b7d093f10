"""Building the Principal from what a look-up read: a pure function."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TypeGuard

from gateway.clock import datetime_from_nanos
from gateway.domain import Limit, LimitKind, ModelGrant, Principal, Role, ScopeKind
from gateway.identity.rows import KeyRow, OwnerRow, UserColumns
from gateway.identity.special import ALL_TEAM_MODELS, NO_DEFAULT_MODELS, UNRESTRICTED
from gateway.money import nanos_from_usd

__all__ = ["build_principal", "nanos_of", "role_of"]

_WINDOW_SECONDS = 60
_NOTHING = frozenset({NO_DEFAULT_MODELS})


def build_principal(row: KeyRow, now_nanos: int) -> Principal:
    """Join one look-up into a Principal; `now_nanos` decides whether a temporary budget increase holds.

    A user's own models and limits hold for personal keys only: those of a team key come from its team.
    """
    key = row.key
    restricting = [owner for owner in row.owners if not (_is_user(owner) and key.team_id)]
    increase = _temporary_increase(key.metadata, now_nanos)
    blocked = (owner.scope for owner in row.owners[1:] if owner.is_blocked)
    return Principal(
        token_hash=key.token_hash,
        key_name=key.key_name,
        key_alias=key.key_alias,
        user_id=key.user_id,
        user_email=row.user.email,
        team_id=key.team_id,
        team_alias=row.team_alias,
        organization_id=key.organization_id,
        project_id=key.project_id,
        project_alias=row.project_alias,
        agent_id=key.agent_id,
        role=role_of(row.user),
        is_blocked=key.is_blocked,
        blocked_owner=next(blocked, None),
        expires_nanos=_expiry(row),
        allowed_routes=key.allowed_routes,
        grants=tuple(_grants(restricting, row)),
        limits=tuple(limit for owner in restricting for limit in _limits(owner, increase)),
        aliases=_texts(key.aliases),
        team_aliases=_texts(row.team_aliases),
        metadata=key.metadata,
        team_metadata=row.team_metadata,
        scopes=tuple(owner.scope for owner in row.owners),
        permission_ids=tuple((o.scope, o.permission_id) for o in row.owners if o.permission_id),
    )


def role_of(user: UserColumns) -> Role | None:
    """The role of a key's user; None without a user.

    A user row without a role is an internal user, as in the contract; an unknown role may only look.
    """
    if not user.is_known:
        return None
    if not user.role:
        return Role.INTERNAL_USER
    try:
        return Role(user.role)
    except ValueError:
        return Role.INTERNAL_USER_VIEWER


def nanos_of(moment: datetime) -> int:
    """Nanoseconds since 1970 of a time that the schema stores as naive UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1_000) * 1_000_000


def _is_user(owner: OwnerRow) -> bool:
    return owner.scope.kind is ScopeKind.USER


def _expiry(row: KeyRow) -> int | None:
    times = [nanos_of(time) for time in (row.key.expires, row.key.revoke_at) if time is not None]
    return min(times, default=None)


def _grants(owners: list[OwnerRow], row: KeyRow) -> Iterator[ModelGrant]:
    for owner in owners:
        models = frozenset(owner.models)
        if NO_DEFAULT_MODELS in models:
            models = _NOTHING
        elif not models.isdisjoint(UNRESTRICTED) or _inherits_from_team(models, row):
            continue
        if models:
            yield ModelGrant(owner.scope, models)


def _inherits_from_team(models: frozenset[str], row: KeyRow) -> bool:
    """Whether the list of a team decides instead: that team's own grant is checked beside this one.

    A key whose team cannot be read keeps the entry as a name that no model has: it may use nothing.
    """
    if ALL_TEAM_MODELS not in models:
        return False
    has_team = any(owner.scope.kind is ScopeKind.TEAM for owner in row.owners)
    return has_team or row.key.team_id is None


def _limits(owner: OwnerRow, increase: int) -> Iterator[Limit]:
    budget = owner.budget
    if budget.max_budget is not None:
        extra = increase if owner.scope.kind is ScopeKind.KEY else 0
        yield Limit(
            scope=owner.scope,
            kind=LimitKind.BUDGET,
            amount=max(0, nanos_from_usd(budget.max_budget)) + extra,
            reset_at_nanos=nanos_of(budget.reset_at) if budget.reset_at else None,
            name=owner.name,
        )
    rates = (
        (LimitKind.REQUESTS, budget.rpm_limit, _WINDOW_SECONDS),
        (LimitKind.TOKENS, budget.tpm_limit, _WINDOW_SECONDS),
        (LimitKind.PARALLEL, budget.max_parallel_requests, 0),
    )
    for kind, amount, window in rates:
        if amount is not None:
            yield Limit(
                scope=owner.scope, kind=kind, amount=max(0, amount), window_seconds=window, name=owner.name
            )


def _temporary_increase(metadata: Mapping[str, object], now_nanos: int) -> int:
    """Nano-dollars that `temp_budget_increase` adds until `temp_budget_expiry`; 0 when unreadable."""
    increase, expiry = metadata.get("temp_budget_increase"), metadata.get("temp_budget_expiry")
    if not _is_number(increase) or not isinstance(expiry, str):
        return 0
    try:
        ends = datetime.fromisoformat(expiry)
        amount = nanos_from_usd(increase)
    except ValueError:
        return 0
    aware = ends if ends.tzinfo else ends.replace(tzinfo=UTC)
    return max(0, amount) if aware > datetime_from_nanos(now_nanos) else 0


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    return {name: value for name, value in values.items() if isinstance(value, str)}
