"""What a caller reads when a limit refuses: scope, value, limit and when to come back."""

from collections.abc import Mapping, Sequence

from gateway.admission.accounts import Account, BudgetAccount, RateAccount, SlotsAccount
from gateway.admission.order import descriptor_of
from gateway.clock import Clock, datetime_from_nanos
from gateway.domain import Limit, ScopeKind
from gateway.errors import BudgetExceeded, GatewayError, RateLimited
from gateway.money import usd_from_nanos

__all__ = ["Refusals", "reset_of"]

_NANOS = 1_000_000_000
_NEVER = 2**63 - 1
_SLOT_SECONDS = 1
"""Nobody knows when a request under way ends."""
_SCOPE_WORDS: Mapping[ScopeKind, str] = {
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
    ScopeKind.MCP_SERVER: "McpServer",
    ScopeKind.ACCESS_GROUP: "Model access group",
    ScopeKind.PROVIDER: "Provider",
    ScopeKind.DEPLOYMENT: "Deployment",
    ScopeKind.GATEWAY: "Gateway",
}
_BY_ID = frozenset(
    {ScopeKind.TEAM, ScopeKind.USER, ScopeKind.ORGANIZATION, ScopeKind.PROJECT, ScopeKind.END_USER}
)
"""Objects that the contract's words call by their ids; `scope_name` has what people call them."""
_EXCEEDED = frozenset({ScopeKind.USER, ScopeKind.END_USER})
"""Objects for whose budgets the contract has a wording of its own."""


class Refusals:
    """Builds the errors for what refuses; `budget_status` is the HTTP status of a spent budget."""

    def __init__(self, clock: Clock, budget_status: int) -> None:
        self._clock = clock
        self._budget_status = budget_status

    def build(self, refusing: Sequence[Account], now: int) -> GatewayError:
        """Build the error of the first account; `now` is monotonic nanoseconds, budgets come first.

        A caller that comes back after `retry-after` is not refused by any of the others: it is the longest
        of their times.
        """
        first = refusing[0]
        if isinstance(first, BudgetAccount):
            return _budget_refusal(first, self._budget_status)
        seconds = max(_seconds_left(account, now) for account in refusing)
        comes_back = self._clock.now_nanos() + seconds * _NANOS
        return _rate_refusal(first, now, self._clock.now_nanos(), seconds, comes_back)


def reset_of(account: BudgetAccount) -> int | None:
    """When a budget starts anew, in nanoseconds since 1970; None for one that does not."""
    limit = account.limit
    return account.ends_at if limit.period and account.ends_at != _NEVER else limit.reset_at_nanos


def _budget_refusal(account: BudgetAccount, status: int) -> BudgetExceeded:
    limit, spent, held = account.limit, account.money.settled, account.money.held
    text = _budget_text(limit, usd_from_nanos(spent), usd_from_nanos(limit.amount))
    if held:
        text += f". Held by requests under way: {usd_from_nanos(held)}"
    ends = reset_of(account)
    reset = None if ends is None else datetime_from_nanos(ends).isoformat().replace("+00:00", "Z")
    if reset is None:
        text += ". It does not start anew by itself: an administrator can raise it or reset what was spent"
    else:
        text += f". The budget starts anew at {reset}"
    details = {
        "scope": limit.scope.kind.value,
        "scope_name": limit.name,
        "model": limit.model,
        "period": limit.period or None,
        "spend": usd_from_nanos(spent),
        "held": usd_from_nanos(held),
        "max_budget": usd_from_nanos(limit.amount),
        "budget_reset_at": reset,
    }
    error = BudgetExceeded(text, details=details, status=status)
    if limit.scope.kind is ScopeKind.KEY:
        error.key_model = limit.model
    return error


def _budget_text(limit: Limit, spent: float, most: float) -> str:
    kind, word = limit.scope.kind, _SCOPE_WORDS.get(limit.scope.kind, limit.scope.kind.value)
    name = limit.scope.id if kind in _BY_ID else limit.name
    if limit.model is not None:
        owner = "LiteLLM Virtual Key" if kind is ScopeKind.KEY else word
        text = f"{owner}: {name}, exceeded budget for model={limit.model}"
        return f"{text}. Current cost: {spent}, Max budget: {most}"
    if limit.period:
        return f"ExceededBudget: {word}={name} over {limit.period} budget. Spend=${spent}, Limit=${most}"
    if kind in _EXCEEDED:
        return f"ExceededBudget: {word}={name} over budget. Spend={spent}, Budget={most}"
    return f"Budget has been exceeded! {word}={name} Current cost: {spent}, Max budget: {most}"


def _seconds_left(account: Account, now: int) -> int:
    """Whole seconds, rounded up, until a rate allows the next request."""
    if not isinstance(account, RateAccount):
        return _SLOT_SECONDS
    window = account.window
    left = window.ends_at - now if now < window.ends_at else account.limit.window_seconds * _NANOS
    return max(1, -(-left // _NANOS))


def _rate_refusal(
    account: RateAccount | SlotsAccount, now: int, now_of_day: int, seconds: int, comes_back: int
) -> RateLimited:
    limit = account.limit
    descriptor = descriptor_of(limit)
    text = (
        f"Rate limit exceeded for {descriptor}: {limit.name}. Limit type: {limit.kind.value}. "
        f"Current limit: {limit.amount}, Remaining: 0. "
    )
    headers = {"retry-after": str(seconds), "rate_limit_type": limit.kind.value}
    details: dict[str, object] = {
        "scope": limit.scope.kind.value,
        "scope_name": limit.name,
        "model": limit.model,
        "limit_type": limit.kind.value,
        "limit": limit.amount,
        "remaining": 0,
        "retry_after": seconds,
        "reset_at": None,
    }
    if isinstance(account, SlotsAccount):
        text += "A slot gets free when one of the requests under way ends"
    else:
        left = account.window.ends_at - now
        # A limit of 0 refuses before any window has begun.
        ends = now_of_day + (left if left > 0 else limit.window_seconds * _NANOS)
        resets = f"{datetime_from_nanos(ends):%Y-%m-%d %H:%M:%S} UTC"
        text += f"Limit resets at: {resets}"
        details["reset_at"] = resets
        headers["reset_at"] = f"{datetime_from_nanos(comes_back):%Y-%m-%d %H:%M:%S} UTC"
    return RateLimited(text, headers=headers, details=details)
