"""What a caller reads when a limit refuses: scope, value, limit and when to come back."""

from gateway.clock import datetime_from_nanos
from gateway.domain import Limit, LimitKind, ScopeKind
from gateway.errors import BudgetExceeded, RateLimited
from gateway.money import usd_from_nanos

__all__ = ["budget_refusal", "parallel_refusal", "rate_refusal"]

_NANOS = 1_000_000_000
_SCOPE_WORDS = {
    ScopeKind.KEY: "Key",
    ScopeKind.TEAM: "Team",
    ScopeKind.TEAM_MEMBER: "TeamMember",
    ScopeKind.USER: "User",
    ScopeKind.ORGANIZATION: "Organization",
    ScopeKind.ORGANIZATION_MEMBER: "OrganizationMember",
    ScopeKind.PROJECT: "Project",
    ScopeKind.END_USER: "End User",
    ScopeKind.TAG: "Tag",
    ScopeKind.AGENT: "Agent",
    ScopeKind.AGENT_SESSION: "AgentSession",
    ScopeKind.GATEWAY: "Gateway",
}
_DESCRIPTORS = {ScopeKind.KEY: "api_key"}
"""The contract's names of scopes in rate-limit messages and headers, where they differ from ours."""


def budget_refusal(limit: Limit, spent: int, held: int, status: int) -> BudgetExceeded:
    """Build the refusal of a budget in the contract's words; `spent` and `held` are nano-dollars."""
    word = _SCOPE_WORDS[limit.scope.kind]
    spent_usd, limit_usd = usd_from_nanos(spent), usd_from_nanos(limit.amount)
    if limit.scope.kind in {ScopeKind.USER, ScopeKind.END_USER}:
        text = f"ExceededBudget: {word}={limit.name} over budget. Spend={spent_usd}, Budget={limit_usd}"
    else:
        costs = f"Current cost: {spent_usd}, Max budget: {limit_usd}"
        text = f"Budget has been exceeded! {word}={limit.name} {costs}"
    if held:
        text += f". Held by requests under way: {usd_from_nanos(held)}"
    reset = None
    if limit.reset_at_nanos is not None:
        reset = datetime_from_nanos(limit.reset_at_nanos).isoformat().replace("+00:00", "Z")
        text += f". The budget starts anew at {reset}"
    details = {
        "scope": limit.scope.kind.value,
        "spend": spent_usd,
        "held": usd_from_nanos(held),
        "max_budget": limit_usd,
        "budget_reset_at": reset,
    }
    return BudgetExceeded(text, details=details, status=status)


def rate_refusal(limit: Limit, used: int, now: int, ends_at: int, now_of_day: int) -> RateLimited:
    """Build the refusal of a request or token rate; `retry-after` is exact, in whole seconds rounded up."""
    seconds = max(1, -(-(ends_at - now) // _NANOS))
    resets = datetime_from_nanos(now_of_day + ends_at - now)
    descriptor = descriptor_of(limit.scope.kind)
    text = (
        f"Rate limit exceeded for {descriptor}: {limit.name}. Limit type: {limit.kind.value}. "
        f"Current limit: {limit.amount}, Remaining: {max(0, limit.amount - used)}. "
        f"Limit resets at: {resets:%Y-%m-%d %H:%M:%S} UTC"
    )
    headers = {
        "retry-after": str(seconds),
        "rate_limit_type": limit.kind.value,
        "reset_at": f"{resets:%Y-%m-%d %H:%M:%S} UTC",
    }
    return RateLimited(text, headers=headers)


def parallel_refusal(limit: Limit) -> RateLimited:
    """Build the refusal of one request too many at a time: nobody knows when a slot gets free, so 1 s."""
    text = (
        f"Rate limit exceeded for {descriptor_of(limit.scope.kind)}: {limit.name}. "
        f"Limit type: {LimitKind.PARALLEL.value}. Current limit: {limit.amount}, Remaining: 0. "
        "A slot gets free when one of the requests under way ends"
    )
    return RateLimited(text, headers={"retry-after": "1", "rate_limit_type": LimitKind.PARALLEL.value})


def descriptor_of(kind: ScopeKind) -> str:
    """Return the contract's name of a scope in rate-limit messages and headers."""
    return _DESCRIPTORS.get(kind, kind.value)
