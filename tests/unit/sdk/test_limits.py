from gateway.domain import Claim, Limit, LimitKind, Scope, ScopeKind
from gateway.sdk.limits import McpServerLimits, claim_mcp_server
from gateway.testing import make_principal

OF_KEY = Limit(scope=Scope(ScopeKind.KEY_MCP_SERVER, "k:docs"), kind=LimitKind.REQUESTS, amount=2)
OF_TEAM = Limit(scope=Scope(ScopeKind.TEAM_MCP_SERVER, "t:s1"), kind=LimitKind.REQUESTS, amount=3)
CALLER = make_principal(mcp_limits={"docs": (OF_KEY,), "s1": (OF_TEAM,), "other": (OF_KEY,)})
SERVER = Scope(ScopeKind.MCP_SERVER, "s1")


def test_key_and_team_are_asked_by_every_name_of_the_server() -> None:
    server = McpServerLimits(id="s1", names=("docs", "documents", "docs"))
    assert claim_mcp_server(CALLER, server) == [Claim(OF_TEAM, 1), Claim(OF_KEY, 1)]
    assert claim_mcp_server(CALLER, McpServerLimits(id="s2")) == []


def test_a_server_has_limits_of_its_own() -> None:
    server = McpServerLimits(
        id="s1", names=("docs",), rpm=0, max_concurrent_requests=4, max_budget_nanos=7, budget_period="1d"
    )
    assert claim_mcp_server(make_principal(), server, cost_nanos=5) == [
        Claim(Limit(scope=SERVER, kind=LimitKind.BUDGET, amount=7, name="docs", period="1d"), 5),
        Claim(Limit(scope=SERVER, kind=LimitKind.REQUESTS, amount=0, window_seconds=60, name="docs"), 1),
        Claim(Limit(scope=SERVER, kind=LimitKind.PARALLEL, amount=4, name="docs"), 1),
    ]
