"""In which order limits refuse, where several would: the contract's order of its checks."""

from collections.abc import Mapping

from gateway.domain import Limit, LimitKind, ScopeKind

__all__ = ["descriptor_of", "rank_of"]

_ALONE, _OF_MODEL, _OF_PERIOD = range(3)

_BUDGETS = (
    (ScopeKind.TEAM_MEMBER, _ALONE),
    (ScopeKind.TEAM_MEMBER, _OF_PERIOD),
    (ScopeKind.TEAM_MEMBER, _OF_MODEL),
    (ScopeKind.KEY, _ALONE),
    (ScopeKind.KEY, _OF_MODEL),
    (ScopeKind.USER, _OF_MODEL),
    (ScopeKind.END_USER, _OF_MODEL),
    (ScopeKind.PROJECT, _ALONE),
    (ScopeKind.PROJECT, _OF_PERIOD),
    (ScopeKind.PROJECT, _OF_MODEL),
    (ScopeKind.TEAM, _ALONE),
    (ScopeKind.TEAM, _OF_PERIOD),
    (ScopeKind.TEAM, _OF_MODEL),
    (ScopeKind.KEY, _OF_PERIOD),
    (ScopeKind.ORGANIZATION, _ALONE),
    (ScopeKind.ORGANIZATION, _OF_PERIOD),
    (ScopeKind.ORGANIZATION, _OF_MODEL),
    (ScopeKind.ORGANIZATION_MEMBER, _ALONE),
    (ScopeKind.ORGANIZATION_MEMBER, _OF_PERIOD),
    (ScopeKind.ORGANIZATION_MEMBER, _OF_MODEL),
    (ScopeKind.TAG, _ALONE),
    (ScopeKind.TAG, _OF_PERIOD),
    (ScopeKind.TAG, _OF_MODEL),
    (ScopeKind.ACCESS_GROUP, _ALONE),
    (ScopeKind.USER, _ALONE),
    (ScopeKind.USER, _OF_PERIOD),
    (ScopeKind.MCP_SERVER, _ALONE),
    (ScopeKind.MCP_SERVER, _OF_PERIOD),
    (ScopeKind.AGENT, _ALONE),
    (ScopeKind.AGENT, _OF_PERIOD),
    (ScopeKind.AGENT, _OF_MODEL),
    (ScopeKind.END_USER, _ALONE),
    (ScopeKind.END_USER, _OF_PERIOD),
    (ScopeKind.GATEWAY, _ALONE),
)
_RATES = (
    "organization",
    "model_per_organization",
    "organization_member",
    "model_per_key",
    "tag_per_key",
    "mcp_per_key",
    "mcp_per_team",
    "mcp_server",
    "agent",
    "model_per_agent",
    "agent_session",
    "api_key",
    "user",
    "model_per_user",
    "team",
    "team_member",
    "model_per_team_member",
    "end_user",
    "model_per_end_user",
    "model_per_team",
    "project",
    "model_per_project",
    "tag",
)
_BUDGET_RANKS: Mapping[tuple[ScopeKind, int], int] = {place: rank for rank, place in enumerate(_BUDGETS)}
_RATE_RANKS: Mapping[str, int] = {name: rank for rank, name in enumerate(_RATES, len(_BUDGETS) + 1)}
_LAST_BUDGET, _LAST_RATE = len(_BUDGETS), len(_BUDGETS) + len(_RATES) + 1
_DESCRIPTORS: Mapping[ScopeKind, str] = {ScopeKind.KEY: "api_key"}


def rank_of(limit: Limit) -> int:
    """Return the place of a limit in the order of refusals; every budget comes before every rate."""
    if limit.kind is not LimitKind.BUDGET:
        return _RATE_RANKS.get(descriptor_of(limit), _LAST_RATE)
    part = _OF_MODEL if limit.model is not None else _OF_PERIOD if limit.period else _ALONE
    return _BUDGET_RANKS.get((limit.scope.kind, part), _LAST_BUDGET)


def descriptor_of(limit: Limit) -> str:
    """Return the contract's name of what a rate limit is on, for messages and headers."""
    kind = limit.scope.kind
    if limit.model is not None:
        return f"model_per_{kind.value}"
    return _DESCRIPTORS.get(kind, kind.value)
