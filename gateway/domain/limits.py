"""What limits a request: scopes, limits on them, and the claims that a request makes on the limits."""

from enum import StrEnum

import msgspec

__all__ = ["Claim", "Limit", "LimitKind", "Meter", "Scope", "ScopeKind"]


class ScopeKind(StrEnum):
    """The kinds of object that can carry spend, a budget or a rate limit."""

    # An enumeration's own hash is a Python function; scopes are hashed all the time.
    __hash__ = str.__hash__

    KEY = "key"
    TEAM = "team"
    TEAM_MEMBER = "team_member"
    USER = "user"
    ORGANIZATION = "organization"
    ORGANIZATION_MEMBER = "organization_member"
    PROJECT = "project"
    END_USER = "end_user"
    TAG = "tag"
    AGENT = "agent"
    AGENT_SESSION = "agent_session"
    """One session of an agent, `<agent>:<session>`; it has rates and carries no spend."""
    MCP_SERVER = "mcp_server"
    """An MCP server, by its id; what is spent on it stands in meters only."""
    KEY_MCP_SERVER = "mcp_per_key"
    """What one key asks of one MCP server, `<key hash>:<server>`; it has rates and carries no spend."""
    TEAM_MCP_SERVER = "mcp_per_team"
    """What one team asks of one MCP server, `<team>:<server>`; it has rates and carries no spend."""
    USER_MCP_SERVER = "mcp_per_user"
    """What one user asks of one MCP server, `<user>:<server>`; it has rates and carries no spend."""
    ACCESS_GROUP = "access_group"
    PROVIDER = "provider"
    DEPLOYMENT = "deployment"
    GATEWAY = "gateway"


class Scope(msgspec.Struct, frozen=True, cache_hash=True):
    """One object that carries spend; `id` is its primary key, for a member `<user>:<team>`."""

    kind: ScopeKind
    id: str


class Meter(Scope, frozen=True, cache_hash=True):
    """What one budget counts by itself: the spend of a scope for one model, within one period, or both.

    `model` is empty for all models, `period` for all time. `ends_ms` is when the period ends (milliseconds
    since 1970), 0 without one: the next period is another meter. A meter is a scope, so whoever counts spend
    per scope counts it too.
    """

    model: str = ""
    period: str = ""
    ends_ms: int = 0


class LimitKind(StrEnum):
    """What a limit counts."""

    __hash__ = str.__hash__

    BUDGET = "budget"
    """Nano-dollars, settled and held, since the last reset."""
    REQUESTS = "requests"
    """Requests begun within a window."""
    TOKENS = "tokens"
    """Tokens within a window; an estimate is taken before the call and corrected after it."""
    INPUT_TOKENS = "input_tokens"
    """Tokens of prompts within a window, taken and corrected as `TOKENS` are."""
    OUTPUT_TOKENS = "output_tokens"
    """Tokens of answers within a window, taken and corrected as `TOKENS` are."""
    PARALLEL = "max_parallel_requests"
    """Requests under way."""


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """One limit on one scope.

    `amount` is nano-dollars for a budget, else a count; 0 means that nothing is allowed. `window_seconds` is
    0 for budgets and parallel requests. `reset_at_nanos` is when a budget starts anew (nanoseconds since
    1970), for messages. `name` is how a message calls the object: its alias, else its id, never a whole key.

    `model` restricts the limit to requests for one model, or for those that a pattern covers; None means all.
    `period` (`1d`, `30d`, `1mo`, ...) makes a budget count what was spent within the present period, which
    begins anew at `reset_at_nanos`; empty, it counts all that was spent since the last reset of the object.
    A soft limit never refuses: crossing it is only told.
    `since_nanos` and `until_nanos` (since 1970) bound the time in which the limit holds, where it is one of
    several that take turns, as before and after the end of a temporary increase.
    """

    scope: Scope
    kind: LimitKind
    amount: int
    window_seconds: int = 0
    reset_at_nanos: int | None = None
    name: str = ""
    model: str | None = None
    period: str = ""
    is_soft: bool = False
    since_nanos: int = 0
    until_nanos: int | None = None

    def holds_at(self, now_nanos: int) -> bool:
        """Whether the limit holds at a moment, in nanoseconds since 1970."""
        return self.since_nanos <= now_nanos and (self.until_nanos is None or now_nanos < self.until_nanos)


class Claim(msgspec.Struct, frozen=True, gc=False):
    """What one request wants of one limit: `amount` nano-dollars, requests or tokens."""

    limit: Limit
    amount: int
