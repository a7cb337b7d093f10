import pytest

from gateway.clock import SystemClock
from gateway.db.engine import Database
from gateway.db.failures import is_repeatable
from gateway.domain import AgentRules, LimitKind, ModelGrant, Role, Scope, ScopeKind
from gateway.identity.principals import Principals
from gateway.identity.store import FIND_KEY, KeyStore
from gateway.ids import hash_token

TEAM_KEY = "sk-team-key-0123456789"
PERSONAL_KEY = "sk-personal-key-0123456789"


def test_the_look_up_counts_as_a_read_that_may_be_repeated() -> None:
    assert is_repeatable(FIND_KEY)


async def test_one_statement_reads_a_key_with_everything_it_belongs_to(
    database: Database, store: KeyStore
) -> None:
    async with database.count_statements() as counter:
        row = await store.find_key(hash_token(TEAM_KEY), "mine")
    assert len(counter) == 1
    assert row is not None
    assert dict(row.totals) == {
        Scope(ScopeKind.KEY, hash_token(TEAM_KEY)): 700_000_000,
        Scope(ScopeKind.TEAM, "team"): 300_000_000,
        Scope(ScopeKind.TEAM_MEMBER, "user:team"): 200_000_000,
        Scope(ScopeKind.USER, "user"): 100_000_000,
        Scope(ScopeKind.PROJECT, "project"): 500_000_000,
        Scope(ScopeKind.ORGANIZATION, "org"): 400_000_000,
        Scope(ScopeKind.ORGANIZATION_MEMBER, "user:org"): 600_000_000,
    }
    assert row.position == 42


async def test_a_team_key_has_the_limits_and_grants_of_every_owner_but_the_users_budget(
    principals: Principals,
) -> None:
    principal = await principals.find(hash_token(TEAM_KEY))
    assert principal is not None
    amounts = {(limit.scope.kind, limit.kind): limit.amount for limit in principal.limits}
    assert amounts == {
        (ScopeKind.KEY, LimitKind.BUDGET): 6_000_000_000,
        (ScopeKind.KEY, LimitKind.REQUESTS): 1,
        (ScopeKind.KEY, LimitKind.TOKENS): 10,
        (ScopeKind.KEY, LimitKind.PARALLEL): 11,
        (ScopeKind.TEAM, LimitKind.BUDGET): 3_000_000_000,
        (ScopeKind.TEAM, LimitKind.REQUESTS): 3,
        (ScopeKind.TEAM, LimitKind.TOKENS): 30,
        (ScopeKind.TEAM, LimitKind.PARALLEL): 33,
        (ScopeKind.TEAM_MEMBER, LimitKind.BUDGET): 2_000_000_000,
        (ScopeKind.TEAM_MEMBER, LimitKind.REQUESTS): 2,
        (ScopeKind.TEAM_MEMBER, LimitKind.TOKENS): 20,
        (ScopeKind.TEAM_MEMBER, LimitKind.PARALLEL): 22,
        (ScopeKind.USER, LimitKind.REQUESTS): 100,
        (ScopeKind.PROJECT, LimitKind.BUDGET): 5_000_000_000,
        (ScopeKind.PROJECT, LimitKind.REQUESTS): 5,
        (ScopeKind.ORGANIZATION, LimitKind.BUDGET): 4_000_000_000,
        (ScopeKind.ORGANIZATION, LimitKind.REQUESTS): 4,
        (ScopeKind.ORGANIZATION, LimitKind.TOKENS): 40,
    }
    # The key's own list is `all-team-models`: the team's grant is the one that counts.
    assert set(principal.grants) == {
        ModelGrant(Scope(ScopeKind.TEAM, "team"), frozenset({"gpt-4o", "fast"})),
        ModelGrant(Scope(ScopeKind.TEAM_MEMBER, "user:team"), frozenset({"gpt-4o"})),
        ModelGrant(Scope(ScopeKind.PROJECT, "project"), frozenset({"gpt-4o"})),
        ModelGrant(Scope(ScopeKind.ORGANIZATION, "org"), frozenset({"gpt-4o", "claude"})),
    }
    assert principal.aliases == {"quick": "fast"}
    assert principal.team_aliases == {"fast": "gpt-4o-mini"}
    assert principal.organization_id == "org"
    (permission,) = principal.permissions
    assert (permission.owner, permission.id) == (principal.scopes[0], "permission-of-key")
    assert principal.scopes[0] == Scope(ScopeKind.KEY, principal.token_hash)
    assert principal.expires_nanos == 1_956_528_000_123_000_000
    assert principal.allowed_routes == ("llm_api_routes",)
    assert principal.team_metadata == {"tags": ["t"]}


async def test_a_personal_key_is_bound_by_its_users_row(principals: Principals) -> None:
    principal = await principals.find(hash_token(PERSONAL_KEY))
    assert principal is not None
    user = Scope(ScopeKind.USER, "user")
    assert principal.grants == (ModelGrant(user, frozenset({"gpt-4o", "claude"})),)
    assert {(limit.scope, limit.kind, limit.amount) for limit in principal.limits} == {
        (user, LimitKind.BUDGET, 10_000_000_000),
        (user, LimitKind.REQUESTS, 100),
    }
    assert principal.role is Role.INTERNAL_USER
    assert principal.user_email == "user@example.com"


async def test_an_unknown_hash_is_nobody(principals: Principals) -> None:
    assert await principals.find("0" * 64) is None


async def test_a_rotated_secret_works_until_its_grace_period_ends(
    database: Database, principals: Principals
) -> None:
    sql = """
    INSERT INTO "LiteLLM_DeprecatedVerificationToken" (id, token, active_token_id, revoke_at)
    VALUES ('1', 'old', $1, '2030-01-01'), ('2', 'older', $1, '2020-01-01')
    """
    await database.execute(sql, hash_token(PERSONAL_KEY))
    principal = await principals.find("old")
    assert principal is not None
    assert principal.token_hash == hash_token(PERSONAL_KEY)
    assert principal.expires_nanos == 1_893_456_000_000_000_000
    assert await principals.find("older") is None


async def test_a_blocked_team_is_named(database: Database, principals: Principals) -> None:
    await database.execute("""UPDATE "LiteLLM_TeamTable" SET blocked = TRUE WHERE team_id = 'team'""")
    principal = await principals.find(hash_token(TEAM_KEY))
    assert principal is not None
    assert principal.blocked_owner == Scope(ScopeKind.TEAM, "team")


JOINED = """
INSERT INTO "LiteLLM_BudgetTable" (budget_id, max_budget, soft_budget, tpd_limit, temp_budget_increase,
    temp_budget_expiry, model_max_budget, created_by, updated_by) VALUES
    ('of-members', 7, 6, 70, 1, '2999-01-01', '{"gpt-4o": {"budget_limit": 2, "time_period": "1d"}}', 'x',
    'x');
UPDATE "LiteLLM_TeamMembership" SET budget_id = NULL;
UPDATE "LiteLLM_TeamTable" SET metadata = '{"team_member_budget_id": "of-members", "tags": ["t"]}',
    soft_budget = 2, tpd_limit = 300, budget_limits = '[{"budget_duration": "1d", "max_budget": 1}]',
    model_max_budget = '{"m": {"budget_limit": 3}}', access_group_ids = '{group}',
    default_team_member_models = '{gpt-4o}';
UPDATE "LiteLLM_ProjectTable" SET model_rpm_limit = '{"m": 8}', metadata = '{"model_itpm_limit": {"m": 9}}';
UPDATE "LiteLLM_UserTable" SET metadata = '{"scim_active": false}', allowed_cache_controls = '{no-cache}';
INSERT INTO "LiteLLM_AccessGroupTable" (access_group_id, access_group_name, access_model_names,
    access_mcp_server_ids, access_agent_ids, updated_at)
    VALUES ('group', 'Group', '{claude}', '{server}', '{agent}', now());
UPDATE "LiteLLM_ObjectPermissionTable" SET vector_stores = '{v}', models = '{gpt-4o}', search_tools = '{s}',
    mcp_tool_permissions = '{"server": ["tool"]}';
INSERT INTO "LiteLLM_AgentsTable" (agent_id, agent_name, agent_card_params, litellm_params, rpm_limit,
    session_rpm_limit, spend, created_by, updated_by)
    VALUES ('agent', 'Agent', '{}', '{"require_trace_id_on_calls_by_agent": true}', 6, 2, 0.8, 'x', 'x');
UPDATE "LiteLLM_VerificationToken" SET agent_id = 'agent', budget_fallbacks = '{"a": ["b"]}',
    metadata = '{"model_rpm_limit": {"m": 4}, "tag_rpm_limit": {"x": 5}}' WHERE team_id = 'team';
"""


async def test_one_statement_reads_budgets_permissions_groups_and_agents_too(
    database: Database, principals: Principals
) -> None:
    async with database.acquire() as connection:
        await connection.execute(JOINED)
    async with database.count_statements() as counter:
        principal = await principals.find(hash_token(TEAM_KEY))
    assert len(counter) == 1
    assert principal is not None
    key, usd = principal.scopes[0], 10**9
    team, member = Scope(ScopeKind.TEAM, "team"), Scope(ScopeKind.TEAM_MEMBER, "user:team")
    project, agent = Scope(ScopeKind.PROJECT, "project"), Scope(ScopeKind.AGENT, "agent")
    found = {
        (
            limit.scope,
            limit.kind,
            limit.model,
            limit.period,
            limit.is_soft,
            limit.window_seconds,
        ): limit.amount
        for limit in principal.limits
        if limit.holds_at(SystemClock().now_nanos())
    }
    expected = {
        (member, LimitKind.BUDGET, None, "", False, 0): 8 * usd,
        (member, LimitKind.BUDGET, None, "", True, 0): 6 * usd,
        (member, LimitKind.BUDGET, "gpt-4o", "1d", False, 0): 2 * usd,
        (member, LimitKind.TOKENS, None, "", False, 86_400): 70,
        (team, LimitKind.BUDGET, None, "", True, 0): 2 * usd,
        (team, LimitKind.BUDGET, None, "1d", False, 0): 1 * usd,
        (team, LimitKind.BUDGET, "m", "", False, 0): 3 * usd,
        (team, LimitKind.TOKENS, None, "", False, 86_400): 300,
        (project, LimitKind.REQUESTS, "m", "", False, 60): 8,
        (project, LimitKind.INPUT_TOKENS, "m", "", False, 60): 9,
        (key, LimitKind.REQUESTS, "m", "", False, 60): 4,
        (agent, LimitKind.REQUESTS, None, "", False, 60): 6,
    }
    assert expected.items() <= found.items()
    assert ModelGrant(team, frozenset({"gpt-4o", "fast"}), frozenset({"claude"})) in principal.grants
    assert ModelGrant(member, frozenset({"gpt-4o"})) in principal.grants
    assert ModelGrant(key, frozenset({"gpt-4o"})) in principal.grants
    (permission,) = principal.permissions
    assert permission.vector_stores == ("v",)
    assert permission.mcp_tool_permissions == {"server": ("tool",)}
    assert permission.search_tools == ("s",)
    (group,) = principal.access_groups
    assert (group.owner, group.mcp_servers, group.agents) == (team, ("server",), ("agent",))
    assert principal.agent_rules == AgentRules(requires_trace_id=True, session_rpm=2)
    assert principal.is_deactivated
    assert principal.cache_controls == ("no-cache",)
    assert principal.budget_fallbacks == {"a": ("b",)}
    assert set(principal.tag_subjects) == {"x"}
    assert principal.unreadable == ()


@pytest.mark.parametrize(
    ("change", "kind", "setting"),
    [
        (""""LiteLLM_VerificationToken" SET metadata = '[1]'""", ScopeKind.KEY, "metadata"),
        (""""LiteLLM_VerificationToken" SET aliases = '"x"'""", ScopeKind.KEY, "aliases"),
        (""""LiteLLM_VerificationToken" SET spend = 'NaN'""", ScopeKind.KEY, "spend"),
        (""""LiteLLM_VerificationToken" SET max_budget = 'Infinity'""", ScopeKind.KEY, "max_budget"),
        (""""LiteLLM_VerificationToken" SET budget_limits = '{"a": 1}'""", ScopeKind.KEY, "budget_limits"),
        (""""LiteLLM_VerificationToken" SET model_max_budget = '[1]'""", ScopeKind.KEY, "model_max_budget"),
        (""""LiteLLM_TeamTable" SET model_max_budget = '7'""", ScopeKind.TEAM, "model_max_budget"),
        (""""LiteLLM_ProjectTable" SET model_rpm_limit = '[1]'""", ScopeKind.PROJECT, "model_rpm_limit"),
        (""""LiteLLM_OrganizationTable" SET metadata = '"x"'""", ScopeKind.ORGANIZATION, "metadata"),
        (""""LiteLLM_UserTable" SET metadata = '[1]'""", ScopeKind.USER, "metadata"),
        (
            """"LiteLLM_BudgetTable" SET model_max_budget = '{"m": "lots"}' WHERE budget_id = 'of-project'""",
            ScopeKind.PROJECT,
            "model_max_budget.m",
        ),
    ],
)
async def test_a_setting_that_nobody_can_read_is_named(
    database: Database, principals: Principals, change: str, kind: ScopeKind, setting: str
) -> None:
    await database.execute(f"UPDATE {change}")
    principal = await principals.find(hash_token(TEAM_KEY))
    assert principal is not None
    assert [(scope.kind, name) for scope, name in principal.unreadable] == [(kind, setting)]


async def test_a_default_budget_of_members_that_is_gone_is_named(
    database: Database, principals: Principals
) -> None:
    await database.execute('UPDATE "LiteLLM_TeamMembership" SET budget_id = NULL')
    await database.execute(
        """UPDATE "LiteLLM_TeamTable" SET metadata = '{"team_member_budget_id": "gone"}'"""
    )
    principal = await principals.find(hash_token(TEAM_KEY))
    assert principal is not None
    assert principal.unreadable == ((Scope(ScopeKind.TEAM, "team"), "metadata.team_member_budget_id"),)


async def test_the_look_up_reads_large_tables_by_their_indexes_only(database: Database) -> None:
    """Plans of small tables say nothing: sequential scans are made as dear as they are in large ones."""
    async with database.acquire() as connection:
        await connection.execute("SET enable_seqscan = off")
        plan = await connection.fetch(f"EXPLAIN (COSTS OFF) {FIND_KEY}", "hash", "journal")
        await connection.execute("RESET enable_seqscan")
    scans = [line[0].strip() for line in plan if "Seq Scan" in line[0]]
    assert scans == []
