from datetime import datetime

import msgspec
import pytest

from gateway.domain import (
    AccessGroup,
    AgentRules,
    LimitKind,
    ModelGrant,
    ObjectPermission,
    Role,
    Scope,
    ScopeKind,
)
from gateway.identity.build import (
    NO_DEFAULTS,
    UserDefaults,
    build_agent_rules,
    build_principal,
    role_of,
)
from gateway.identity.rows import AgentColumns, BudgetColumns, KeyColumns, KeyRow, OwnerRow, UserColumns

KEY = Scope(ScopeKind.KEY, "hash")
NO_LIMITS = BudgetColumns()
NOW = 1_770_000_000_000_000_000  # 2026-02-02


def make_row(
    *,
    models=(),
    owners=(),
    budget=NO_LIMITS,
    is_user_known: bool = True,
    role="internal_user",
    groups=(),
    permissions=(),
    **fields: object,
) -> KeyRow:
    of_owner = {
        name: fields.pop(name) for name in ("metadata", "group_ids", "permission_id") if name in fields
    }
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
        **fields,
    }
    key = OwnerRow(scope=KEY, name="a key", models=tuple(models), budget=budget, **of_owner)
    return KeyRow(
        key=KeyColumns(**columns),
        user=UserColumns(role=role, is_known=is_user_known),
        owners=(key, *owners),
        team_alias=None,
        project_alias=None,
        team_aliases={},
        totals=(),
        position=0,
        groups=tuple(groups),
        permissions=tuple(permissions),
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
    limits = build_principal(row, NOW).limits
    (limit,) = (limit for limit in limits if limit.holds_at(NOW))
    assert (limit.kind, limit.amount) == (LimitKind.BUDGET, nanos)
    (later,) = (limit for limit in limits if limit.holds_at(2 * NOW))
    assert later.amount == 1_000_000_000


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


USER = Scope(ScopeKind.USER, "user")
USD = 10**9


def budgets_of(row: KeyRow, defaults: UserDefaults = NO_DEFAULTS) -> dict[ScopeKind, int]:
    found = build_principal(row, NOW, defaults).limits
    return {limit.scope.kind: limit.amount for limit in found if limit.kind is LimitKind.BUDGET}


def user_row(**budget: object) -> OwnerRow:
    return OwnerRow(scope=USER, name="user", budget=BudgetColumns(**budget))


def test_a_users_budget_holds_for_personal_keys_and_for_team_keys_where_it_should():
    personal = make_row(owners=(user_row(max_budget=2),))
    of_team = make_row(owners=(user_row(max_budget=2),), team_id="t")
    assert budgets_of(personal) == {ScopeKind.USER: 2 * USD}
    assert budgets_of(of_team) == {}
    assert budgets_of(of_team, UserDefaults(holds_for_team_keys=True)) == {ScopeKind.USER: 2 * USD}


def test_a_users_rates_hold_for_all_its_keys():
    row = make_row(owners=(user_row(rpm_limit=5),), team_id="t")
    assert [(limit.scope, limit.kind) for limit in build_principal(row, NOW).limits] == [
        (USER, LimitKind.REQUESTS)
    ]


def test_a_users_budgets_per_model_hold_for_all_its_keys():
    row = make_row(
        owners=(user_row(max_budget=2, soft_budget=1, model_max_budget={"m": {"budget_limit": 1}}),),
        team_id="t",
    )
    found = build_principal(row, NOW).limits
    assert [(limit.scope, limit.model, limit.amount) for limit in found] == [(USER, "m", USD)]


def test_internal_users_without_a_budget_get_the_configured_one():
    defaults = UserDefaults(budget_nanos=0, budget_period="30d")
    (limit,) = build_principal(make_row(owners=(user_row(),)), NOW, defaults).limits
    assert (limit.scope, limit.amount, limit.period) == (USER, 0, "30d")
    assert budgets_of(make_row(owners=(user_row(max_budget=9),)), defaults) == {ScopeKind.USER: 9 * USD}
    assert budgets_of(make_row(owners=(user_row(),), role="proxy_admin"), defaults) == {}


def test_what_cannot_be_read_is_on_the_principal():
    team = OwnerRow(scope=Scope(ScopeKind.TEAM, "t"), name="T", unreadable=("metadata",))
    row = make_row(budget=BudgetColumns(max_budget=float("nan")), owners=(team,))
    assert build_principal(row, NOW).unreadable == ((KEY, "max_budget"), (team.scope, "metadata"))


def test_access_groups_open_models_beside_the_list_of_their_owner():
    group = AccessGroup(owner=KEY, id="g", models=("b",))
    team = OwnerRow(scope=Scope(ScopeKind.TEAM, "t"), name="T", models=("c",), group_ids=("gone",))
    row = make_row(models=("a",), group_ids=("g",), owners=(team,), groups=(group,))
    assert build_principal(row, NOW).grants == (
        ModelGrant(KEY, frozenset({"a"}), frozenset({"b"})),
        ModelGrant(team.scope, frozenset({"c"})),
    )


def test_a_permission_that_is_named_and_not_there_permits_nothing():
    row = make_row(permission_id="gone")
    assert build_principal(row, NOW).permissions == (
        ObjectPermission(owner=KEY, id="gone", is_readable=False),
    )


def test_the_models_of_a_permission_are_a_list_of_their_own():
    permission = ObjectPermission(owner=KEY, id="p", models=("a",))
    row = make_row(permission_id="p", permissions=(permission,))
    assert build_principal(row, NOW).grants == (ModelGrant(KEY, frozenset({"a"})),)


def test_a_user_that_the_directory_deactivated():
    user = OwnerRow(scope=USER, name="user", metadata={"scim_active": False})
    assert build_principal(make_row(owners=(user,)), NOW).is_deactivated
    assert not build_principal(make_row(owners=(user_row(),)), NOW).is_deactivated


def test_an_agent_that_demands_nothing_has_no_rules():
    assert build_agent_rules(AgentColumns(params={"model": "x"})) is None
    params = {"require_trace_id_on_calls_by_agent": True}
    rules = build_agent_rules(AgentColumns(params=params, session_rpm=0))
    assert rules == AgentRules(requires_trace_id=True, session_rpm=0)


def test_fallbacks_of_budgets_are_lists_of_names():
    row = make_row(budget_fallbacks={"a": ["b"], "c": "d", "e": [1], "f": {}})
    assert build_principal(row, NOW).budget_fallbacks == {"a": ("b",), "c": ("d",)}


@pytest.mark.parametrize("name", ["allowed_tools", "enforced_params"])
@pytest.mark.parametrize("value", ["search", {"search": True}, [1], 7])
def test_a_list_in_the_metadata_that_is_none_is_named(name, value):
    row = make_row(metadata={name: value})
    assert build_principal(row, NOW).unreadable == ((KEY, f"metadata.{name}"),)


def test_limits_on_mcp_servers_are_those_of_key_team_and_user_by_server():
    owners = (
        *make_row(metadata={"mcp_rpm_limit": {"docs": 2}}).owners,
        OwnerRow(
            scope=Scope(ScopeKind.TEAM, "t"), name="T", metadata={"mcp_rpm_limit": {"docs": 3, "mail": 0}}
        ),
        OwnerRow(scope=Scope(ScopeKind.USER, "u"), name="U", metadata={"mcp_rpm_limit": {"docs": 4}}),
    )
    row = msgspec.structs.replace(make_row(), owners=owners)
    limits = build_principal(row, NOW).mcp_limits
    assert {name: [(one.scope.kind, one.amount) for one in found] for name, found in limits.items()} == {
        "docs": [("mcp_per_key", 2), ("mcp_per_team", 3), ("mcp_per_user", 4)],
        "mail": [("mcp_per_team", 0)],
    }


def test_limits_on_tags_are_those_of_key_and_user_and_count_by_themselves():
    user = OwnerRow(scope=Scope(ScopeKind.USER, "u"), name="U", metadata={"tag_rpm_limit": {"a": 3, "b": 1}})
    row = make_row(metadata={"tag_rpm_limit": {"a": 2}})
    row = msgspec.structs.replace(row, owners=(*row.owners, user))
    subjects = build_principal(row, NOW).tag_subjects
    assert {tag: [one.amount for one in subject.limits] for tag, subject in subjects.items()} == {
        "a": [2, 3],
        "b": [1],
    }
    assert len({one.scope for subject in subjects.values() for one in subject.limits}) == 3


def test_a_limit_on_an_mcp_server_that_nobody_can_read_is_named():
    principal = build_principal(make_row(metadata={"mcp_rpm_limit": {"docs": "many"}}), NOW)
    assert [setting for _, setting in principal.unreadable] == ["metadata.mcp_rpm_limit.docs"]
    assert principal.mcp_limits == {}
