from datetime import datetime

import pytest

from gateway.domain import LimitKind, Role, Scope, ScopeKind
from gateway.identity.build import build_principal, role_of
from gateway.identity.rows import BudgetColumns, KeyColumns, KeyRow, OwnerRow, UserColumns

KEY = Scope(ScopeKind.KEY, "hash")
NO_LIMITS = BudgetColumns()
NOW = 1_770_000_000_000_000_000  # 2026-02-02


def make_row(
    *, models=(), owners=(), budget=NO_LIMITS, is_user_known: bool = True, **fields: object
) -> KeyRow:
    columns = {
        "token_hash": "hash",
        "key_name": "sk-...cdef",
        "key_alias": None,
        "user_id": "user",
        "team_id": None,
        "organization_id": None,
        "project_id": None,
        "agent_id": None,
        "is_blocked": False,
        "expires": None,
        "revoke_at": None,
        "allowed_routes": (),
        "aliases": {},
        "metadata": {},
        **fields,
    }
    return KeyRow(
        key=KeyColumns(**columns),
        user=UserColumns(role="internal_user", is_known=is_user_known),
        owners=(OwnerRow(scope=KEY, name="a key", models=tuple(models), budget=budget), *owners),
        team_alias=None,
        project_alias=None,
        team_metadata={},
        team_aliases={},
        totals=(),
        position=0,
    )


def grants_of(row: KeyRow) -> dict[ScopeKind, frozenset[str]]:
    return {grant.owner.kind: grant.models for grant in build_principal(row, NOW).grants}


@pytest.mark.parametrize("models", [(), ("*",), ("all-proxy-models", "gpt-4o")])
def test_a_list_that_means_everything_is_no_grant(models):
    assert grants_of(make_row(models=models)) == {}


def test_no_default_models_wins_over_what_stands_beside_it():
    row = make_row(models=("*", "no-default-models", "gpt-4o"))
    assert grants_of(row) == {ScopeKind.KEY: frozenset({"no-default-models"})}


def test_all_team_models_is_the_teams_list():
    team = OwnerRow(scope=Scope(ScopeKind.TEAM, "t"), name="T", models=("a",))
    row = make_row(models=("all-team-models",), owners=(team,), team_id="t")
    assert grants_of(row) == {ScopeKind.TEAM: frozenset({"a"})}


def test_all_team_models_of_a_team_that_is_gone_is_nothing():
    row = make_row(models=("all-team-models",), team_id="gone")
    assert grants_of(row) == {ScopeKind.KEY: frozenset({"all-team-models"})}


def test_all_team_models_of_a_personal_key_restricts_nothing():
    assert grants_of(make_row(models=("all-team-models",))) == {}


@pytest.mark.parametrize(
    ("metadata", "nanos"),
    [
        ({"temp_budget_increase": 2.5, "temp_budget_expiry": "2026-03-01T00:00:00"}, 3_500_000_000),
        ({"temp_budget_increase": 2.5, "temp_budget_expiry": "2026-03-01T00:00:00Z"}, 3_500_000_000),
        ({"temp_budget_increase": 2.5, "temp_budget_expiry": "2026-01-01T00:00:00"}, 1_000_000_000),
        ({"temp_budget_increase": 2.5, "temp_budget_expiry": "soon"}, 1_000_000_000),
        ({"temp_budget_increase": -2.5, "temp_budget_expiry": "2026-03-01"}, 1_000_000_000),
        ({"temp_budget_increase": True, "temp_budget_expiry": "2026-03-01"}, 1_000_000_000),
        ({"temp_budget_increase": 2.5}, 1_000_000_000),
    ],
)
def test_a_temporary_increase_holds_until_it_expires(metadata, nanos):
    row = make_row(metadata=metadata, budget=BudgetColumns(max_budget=1.0))
    (limit,) = build_principal(row, NOW).limits
    assert (limit.kind, limit.amount) == (LimitKind.BUDGET, nanos)


def test_a_limit_of_zero_is_a_limit():
    row = make_row(budget=BudgetColumns(max_budget=0.0, rpm_limit=0, tpm_limit=0, max_parallel_requests=0))
    limits = build_principal(row, NOW).limits
    assert [(limit.kind, limit.amount, limit.window_seconds) for limit in limits] == [
        (LimitKind.BUDGET, 0, 0),
        (LimitKind.REQUESTS, 0, 60),
        (LimitKind.TOKENS, 0, 60),
        (LimitKind.PARALLEL, 0, 0),
    ]


def test_the_earlier_of_expiry_and_end_of_grace_counts():
    later, earlier = datetime.fromisoformat("2030-01-02"), datetime.fromisoformat("2030-01-01")
    row = make_row(expires=later, revoke_at=earlier)
    assert build_principal(row, NOW).expires_nanos == 1_893_456_000_000_000_000


@pytest.mark.parametrize(
    ("role", "is_known", "expected"),
    [
        ("proxy_admin", True, Role.PROXY_ADMIN),
        (None, True, Role.INTERNAL_USER),
        ("", True, Role.INTERNAL_USER),
        ("emperor", True, Role.INTERNAL_USER_VIEWER),
        ("proxy_admin", False, None),
    ],
)
def test_roles_of_users(role, is_known, expected):
    assert role_of(UserColumns(role=role, is_known=is_known)) is expected
