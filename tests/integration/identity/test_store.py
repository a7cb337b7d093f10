from gateway.db.engine import Database
from gateway.db.failures import is_repeatable
from gateway.domain import LimitKind, ModelGrant, Role, Scope, ScopeKind
from gateway.identity.principals import Principals
from gateway.identity.store import _FIND_KEY, KeyStore
from gateway.ids import hash_token

TEAM_KEY = "sk-team-key-0123456789"
PERSONAL_KEY = "sk-personal-key-0123456789"


def test_the_look_up_counts_as_a_read_that_may_be_repeated() -> None:
    assert is_repeatable(_FIND_KEY)


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


async def test_a_team_key_has_the_limits_and_grants_of_every_owner_but_the_users_own(
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
    assert principal.permission_ids == ((Scope(ScopeKind.KEY, principal.token_hash), "permission-of-key"),)
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
