"""Limits on MCP servers, for the plugin that serves them to claim in `collect_claims`."""

import msgspec

from gateway.domain import Claim, Limit, LimitKind, Principal, Scope, ScopeKind

__all__ = ["McpServerLimits", "claim_mcp_server"]

_MINUTE_SECONDS = 60


class McpServerLimits(msgspec.Struct, frozen=True, kw_only=True):
    """An MCP server, and its own limits, which all of its callers share.

    `names` are its alias and name, by which keys, teams and users know it too. `rpm` is requests per minute,
    `max_concurrent_requests` requests under way, `max_budget_nanos` nano-dollars, per `budget_period` (`1d`,
    `1mo`, ...) where there is one; None limits nothing, 0 allows nothing.
    """

    id: str
    names: tuple[str, ...] = ()
    rpm: int | None = None
    max_concurrent_requests: int | None = None
    max_budget_nanos: int | None = None
    budget_period: str = ""

    def list_limits(self) -> tuple[Limit, ...]:
        """The limits that the server has of its own."""
        scope, name = Scope(ScopeKind.MCP_SERVER, self.id), next(iter(self.names), self.id)
        found: list[Limit] = []
        if self.max_budget_nanos is not None:
            kind, amount, period = LimitKind.BUDGET, self.max_budget_nanos, self.budget_period
            found.append(Limit(scope=scope, kind=kind, amount=amount, name=name, period=period))
        if self.rpm is not None:
            kind, window = LimitKind.REQUESTS, _MINUTE_SECONDS
            found.append(Limit(scope=scope, kind=kind, amount=self.rpm, window_seconds=window, name=name))
        if self.max_concurrent_requests is not None:
            kind, amount = LimitKind.PARALLEL, self.max_concurrent_requests
            found.append(Limit(scope=scope, kind=kind, amount=amount, name=name))
        return tuple(found)


def claim_mcp_server(principal: Principal, server: McpServerLimits, cost_nanos: int = 0) -> list[Claim]:
    """Claim one request to an MCP server, which is expected to cost so many nano-dollars.

    The limits are the server's own, and those that key, team and user have for it (`mcp_rpm_limit`) under its
    id or one of its names.
    """
    known_as = dict.fromkeys((server.id, *server.names))
    of_caller = (limit for name in known_as for limit in principal.mcp_limits.get(name, ()))
    limits = (*of_caller, *server.list_limits())
    return [Claim(limit, cost_nanos if limit.kind is LimitKind.BUDGET else 1) for limit in limits]
