"""Building the Principal from what a look-up read: a pure function."""

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from gateway.clock import datetime_from_nanos
from gateway.domain import (
    AccessGroup,
    AgentRules,
    Limit,
    ModelGrant,
    ObjectPermission,
    Principal,
    Role,
    Scope,
    ScopeKind,
    Subject,
)
from gateway.identity.limits import Increase, LimitBuilder, nanos_of, read_increase
from gateway.identity.permissions import groups_of, permissions_of
from gateway.identity.rows import AgentColumns, BudgetColumns, KeyRow, OwnerRow, UserColumns
from gateway.identity.special_models import ALL_TEAM_MODELS, NO_DEFAULT_MODELS, UNRESTRICTED
from gateway.identity.stored_values import read_nanos, read_texts
from gateway.settings.access import AccessSettings

__all__ = [
    "NO_DEFAULTS",
    "UserDefaults",
    "build_agent_rules",
    "build_principal",
    "build_user_defaults",
    "nanos_of",
    "role_of",
]

_NOTHING = frozenset({NO_DEFAULT_MODELS})
_WITH_LISTS = frozenset({ScopeKind.KEY, ScopeKind.TEAM})
_WITH_TAG_RATES = frozenset({ScopeKind.KEY, ScopeKind.USER})
_WITH_MCP_RATES = frozenset({ScopeKind.KEY, ScopeKind.TEAM, ScopeKind.USER})
_RESTRICTING = (
    *("allowed_tools", "enforced_params", "allowed_passthrough_routes", "denied_passthrough_routes"),
)
_INTERNAL = frozenset({Role.INTERNAL_USER, Role.INTERNAL_USER_VIEWER})


class UserDefaults(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says about the budgets of users.

    `budget_nanos` is for internal users who have none of their own, per `budget_period` where they have no
    reset time. A user's budget counts for team keys too where `holds_for_team_keys`.
    """

    budget_nanos: int | None = None
    budget_period: str = ""
    holds_for_team_keys: bool = False


NO_DEFAULTS = UserDefaults()


def build_user_defaults(settings: AccessSettings) -> UserDefaults:
    """The defaults that a configuration sets."""
    budget = settings.internal_user_budget
    return UserDefaults(
        budget_nanos=None if budget is None else read_nanos(budget),
        budget_period=settings.internal_user_budget_duration,
        holds_for_team_keys=settings.apply_user_budget_to_team_keys,
    )


def build_principal(row: KeyRow, now_nanos: int, defaults: UserDefaults = NO_DEFAULTS) -> Principal:
    """Join one look-up into a Principal; `now_nanos` decides whether a temporary budget increase is over.

    A user's own models and budget hold for personal keys only: those of a team key come from its team. Its
    budgets per model and its rates hold for all its keys.
    """
    key, now = row.key, datetime_from_nanos(now_nanos)
    metadata, team_metadata = row.owners[0].metadata, _metadata_of(row, ScopeKind.TEAM)
    restricting = [owner for owner in row.owners if not (_is_user(owner) and key.team_id)]
    groups = tuple(groups_of(row.owners, row.groups))
    permissions = tuple(permissions_of(row.owners, row.permissions))
    limits = [_limits(owner, row, now, defaults) for owner in row.owners]
    tag_subjects, mcp_limits = _tag_subjects(row.owners, limits), _mcp_limits(row.owners, limits)
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
        grants=(*_grants(restricting, row, groups), *_permission_grants(restricting, permissions)),
        limits=tuple(limit for builder in limits for limit in builder.limits),
        aliases=_texts(key.aliases),
        team_aliases=_texts(row.team_aliases),
        metadata=metadata,
        team_metadata=team_metadata,
        scopes=tuple(owner.scope for owner in row.owners),
        permissions=permissions,
        access_groups=groups,
        unreadable=tuple(_unreadable(row.owners, limits)),
        budget_fallbacks=_fallbacks(key.budget_fallbacks),
        cache_controls=key.cache_controls or row.user.cache_controls,
        tag_subjects=tag_subjects,
        mcp_limits=mcp_limits,
        agent_rules=None if row.agent is None else build_agent_rules(row.agent),
        guardrails=_guardrails(row.owners),
        policies=_policies(row.owners),
        is_deactivated=_metadata_of(row, ScopeKind.USER).get("scim_active") is False,
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


def build_agent_rules(agent: AgentColumns) -> AgentRules | None:
    """What an agent demands; None when it demands nothing."""
    rules = AgentRules(
        requires_trace_id=bool(agent.params.get("require_trace_id_on_calls_by_agent")),
        session_rpm=agent.session_rpm,
        session_tpm=agent.session_tpm,
    )
    return None if rules == AgentRules() else rules


def _is_user(owner: OwnerRow) -> bool:
    return owner.scope.kind is ScopeKind.USER


def _metadata_of(row: KeyRow, kind: ScopeKind) -> dict[str, object]:
    for owner in row.owners:
        if owner.scope.kind is kind:
            return owner.metadata
    return {}


def _guardrails(owners: tuple[OwnerRow, ...]) -> tuple[str, ...]:
    """What all owners name, from the organization to the key; a team's mapping is a right, not a list."""
    named = (owner.metadata.get("guardrails") for owner in reversed(owners))
    return tuple(dict.fromkeys(name for names in named for name in read_texts(names) or ()))


def _policies(owners: tuple[OwnerRow, ...]) -> tuple[str, ...]:
    """What all owners name, in their own columns or their metadata."""
    named = (
        name
        for owner in reversed(owners)
        for name in (*owner.policies, *(read_texts(owner.metadata.get("policies")) or ()))
    )
    return tuple(dict.fromkeys(named))


def _expiry(row: KeyRow) -> int | None:
    times = [nanos_of(time) for time in (row.key.expires, row.key.revoke_at) if time is not None]
    return min(times, default=None)


def _grants(owners: list[OwnerRow], row: KeyRow, groups: tuple[AccessGroup, ...]) -> Iterator[ModelGrant]:
    for owner in owners:
        models = frozenset(owner.models)
        if NO_DEFAULT_MODELS in models:
            models = _NOTHING
        elif not models.isdisjoint(UNRESTRICTED) or _inherits_from_team(models, row):
            continue
        if models:
            opened = frozenset(
                name for group in groups if group.owner == owner.scope for name in group.models
            )
            yield ModelGrant(owner.scope, models, opened)


def _permission_grants(
    owners: list[OwnerRow], permissions: tuple[ObjectPermission, ...]
) -> Iterator[ModelGrant]:
    """The models of object permissions: a list beside the owner's own, and what both cover may be used."""
    scopes = {owner.scope for owner in owners}
    for permission in permissions:
        models = frozenset(permission.models)
        if models and permission.owner in scopes and models.isdisjoint(UNRESTRICTED):
            yield ModelGrant(permission.owner, models)


def _inherits_from_team(models: frozenset[str], row: KeyRow) -> bool:
    """Whether the list of a team decides instead: that team's own grant is checked beside this one.

    A key whose team cannot be read keeps the entry as a name that no model has: it may use nothing.
    """
    if ALL_TEAM_MODELS not in models:
        return False
    has_team = any(owner.scope.kind is ScopeKind.TEAM for owner in row.owners)
    return has_team or row.key.team_id is None


def _limits(owner: OwnerRow, row: KeyRow, now: datetime, defaults: UserDefaults) -> LimitBuilder:
    builder = LimitBuilder(owner.scope, owner.name, now)
    if not _is_user(owner):
        is_key = owner.scope.kind is ScopeKind.KEY
        builder.add_budget(owner.budget, _temporary_increase(owner.metadata, now) if is_key else None)
        builder.add_windows(owner.windows)
    elif row.key.team_id is None or defaults.holds_for_team_keys:
        _add_user_budget(builder, owner.budget, role_of(row.user), defaults)
    else:
        builder.add_model_budgets(owner.budget)
    builder.add_rates(owner.budget)
    builder.add_model_rates(owner.metadata)
    return builder


def _add_user_budget(
    builder: LimitBuilder, budget: BudgetColumns, role: Role | None, defaults: UserDefaults
) -> None:
    builder.add_budget(budget)
    if budget.max_budget is None and defaults.budget_nanos is not None and role in _INTERNAL:
        builder.add_period(defaults.budget_nanos, defaults.budget_period)


def _unreadable(owners: tuple[OwnerRow, ...], limits: list[LimitBuilder]) -> Iterator[tuple[Scope, str]]:
    for owner, builder in zip(owners, limits, strict=True):
        for setting in (*owner.unreadable, *builder.unreadable, *_unreadable_lists(owner)):
            yield owner.scope, setting


def _unreadable_lists(owner: OwnerRow) -> Iterator[str]:
    """The lists in an owner's metadata that restrict, and are no lists of names."""
    named = owner.metadata.get("guardrails")
    if not isinstance(named, dict) and read_texts(named) is None:
        yield "metadata.guardrails"
    if read_texts(owner.metadata.get("policies")) is None:
        yield "metadata.policies"
    if owner.scope.kind in _WITH_LISTS:
        for name in _RESTRICTING:
            if read_texts(owner.metadata.get(name)) is None:
                yield f"metadata.{name}"


def _tag_subjects(owners: tuple[OwnerRow, ...], builders: list[LimitBuilder]) -> dict[str, Subject]:
    found: dict[str, tuple[Limit, ...]] = {}
    for owner, builder in zip(owners, builders, strict=True):
        if owner.scope.kind in _WITH_TAG_RATES and "tag_rpm_limit" in owner.metadata:
            for tag, limit in builder.tag_limits(owner.metadata).items():
                found[tag] = (*found.get(tag, ()), limit)
    return {
        tag: Subject(scope=Scope(ScopeKind.TAG, tag), name=tag, limits=limits)
        for tag, limits in found.items()
    }


def _mcp_limits(owners: tuple[OwnerRow, ...], builders: list[LimitBuilder]) -> dict[str, tuple[Limit, ...]]:
    found: dict[str, tuple[Limit, ...]] = {}
    for owner, builder in zip(owners, builders, strict=True):
        if owner.scope.kind in _WITH_MCP_RATES and "mcp_rpm_limit" in owner.metadata:
            for server, limit in builder.mcp_limits(owner.metadata).items():
                found[server] = (*found.get(server, ()), limit)
    return found


def _temporary_increase(metadata: Mapping[str, object], now: datetime) -> Increase | None:
    return read_increase(metadata.get("temp_budget_increase"), metadata.get("temp_budget_expiry"), now)


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    return {name: value for name, value in values.items() if isinstance(value, str)}


def _fallbacks(values: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """Models by the model that they replace; what is no list of names replaces nothing."""
    found = {
        model: (value,) if isinstance(value, str) else read_texts(value) for model, value in values.items()
    }
    return {model: names for model, names in found.items() if names}
