"""The rules of the planner, one difference at a time."""

import pytest
from msgspec.structs import replace

from gateway.db.schema.catalog import (
    Catalog,
    Column,
    ForeignKey,
    Index,
    TableShape,
    decode_catalog,
    encode_catalog,
    load_wanted_catalog,
)
from gateway.db.schema.plan import SchemaState, plan_upgrade
from gateway.db.schema.steps import StepKind
from gateway.db.schema.views import VIEWS

WANTED = replace(load_wanted_catalog(), views=tuple(VIEWS))


def changed(name: str, **changes) -> Catalog:
    """A database that lacks nothing but for the changes to one table."""
    tables = tuple(replace(table, **changes) if table.name == name else table for table in WANTED.tables)
    return replace(WANTED, tables=tables)


def table(name: str) -> TableShape:
    return WANTED.by_name()[name]


def without(items: tuple, name: str) -> tuple:
    return tuple(item for item in items if item.name != name)


def swapped(items: tuple, name: str, **changes) -> tuple:
    return tuple(replace(item, **changes) if item.name == name else item for item in items)


def statements(live: Catalog) -> list[str]:
    return [step.sql for step in plan_upgrade(live, WANTED).steps]


def test_the_wanted_catalog_needs_no_step():
    plan = plan_upgrade(WANTED, WANTED)
    assert (plan.state, plan.steps, plan.conflicts, plan.warnings) == (SchemaState.CURRENT, (), (), ())


def test_a_catalog_survives_its_file_format():
    assert decode_catalog(encode_catalog(WANTED)) == WANTED


def test_an_empty_database_gets_tables_before_what_refers_to_them():
    plan = plan_upgrade(Catalog(), WANTED)
    words = [step.sql.split('"')[0] for step in plan.steps]
    last_table = max(position for position, word in enumerate(words) if word == "CREATE TABLE ")
    first_key = next(position for position, step in enumerate(plan.steps) if "FOREIGN KEY" in step.sql)
    assert plan.state is SchemaState.EMPTY
    assert words[0] == "CREATE TYPE "
    assert last_table < first_key
    assert not any(step.kind is StepKind.ATTEMPT for step in plan.steps)


def test_missing_columns_of_one_table_come_in_one_statement():
    columns = without(without(table("LiteLLM_BudgetTable").columns, "tpd_limit"), "temp_budget_expiry")
    (statement,) = statements(changed("LiteLLM_BudgetTable", columns=columns))
    assert statement == (
        'ALTER TABLE "LiteLLM_BudgetTable" ADD COLUMN "tpd_limit" bigint, '
        'ADD COLUMN "temp_budget_expiry" timestamp(3) without time zone'
    )


def test_a_column_that_became_optional_loses_its_constraint():
    columns = swapped(table("LiteLLM_MCPServerTable").columns, "url", nullable=False)
    assert statements(changed("LiteLLM_MCPServerTable", columns=columns)) == [
        'ALTER TABLE "LiteLLM_MCPServerTable" ALTER COLUMN "url" DROP NOT NULL'
    ]


def test_a_column_that_a_later_release_relaxed_is_left_alone():
    columns = swapped(table("LiteLLM_TeamTable").columns, "blocked", nullable=True)
    assert statements(changed("LiteLLM_TeamTable", columns=columns)) == []


def test_a_unique_index_that_has_grown_is_replaced():
    name = "LiteLLM_PromptTable_prompt_id_version_environment_key"
    want = table("LiteLLM_PromptTable").find_index(name)
    narrow = replace(
        want, columns=want.columns[:2], definition=want.definition.replace(", environment)", ")")
    )
    live = changed(
        "LiteLLM_PromptTable", indexes=(*without(table("LiteLLM_PromptTable").indexes, name), narrow)
    )
    plan = plan_upgrade(live, WANTED)
    assert [step.sql for step in plan.steps] == [f'DROP INDEX IF EXISTS "{name}"', want.definition]
    assert not plan.can_serve


def test_a_unique_index_over_other_columns_is_a_conflict():
    name = "LiteLLM_CredentialsTable_credential_name_key"
    other = Index(name=name, definition="other", columns=("credential_id", "created_by"), is_unique=True)
    plan = plan_upgrade(changed("LiteLLM_CredentialsTable", indexes=(other,)), WANTED)
    assert plan.state is SchemaState.UNKNOWN
    (sentence,) = plan.conflicts
    assert sentence.startswith(f"{name} of LiteLLM_CredentialsTable covers (credential_id, created_by)")
    assert sentence.endswith("upserts need (credential_name).")


def test_an_index_of_the_same_definition_under_another_name_is_enough():
    want = table("LiteLLM_TagTable").indexes or table("LiteLLM_TeamTable").indexes
    index = want[0]
    renamed = replace(index, name="ours", definition=index.definition.replace(index.name, "ours"))
    owner = next(t for t in WANTED.tables if index in t.indexes)
    live = changed(owner.name, indexes=(*without(owner.indexes, index.name), renamed))
    assert statements(live) == []


def test_a_plain_index_of_another_definition_only_warns():
    index = table("LiteLLM_SpendLogs").find_index("LiteLLM_SpendLogs_end_user_idx")
    odd = replace(index, columns=("end_user", "spend"), definition="CREATE INDEX odd")
    live = changed("LiteLLM_SpendLogs", indexes=swapped_whole(table("LiteLLM_SpendLogs").indexes, odd))
    plan = plan_upgrade(live, WANTED)
    assert plan.steps == ()
    assert len(plan.warnings) == 1
    assert plan.can_serve


def swapped_whole(items: tuple, item) -> tuple:
    return tuple(item if other.name == item.name else other for other in items)


@pytest.mark.parametrize("size", [{"estimated_rows": 10_000_000}, {"size_bytes": 10**10}])
def test_a_plain_index_of_a_large_table_is_built_later_and_a_missing_one_does_not_stop_serving(size):
    indexes = without(table("LiteLLM_SpendLogs").indexes, "LiteLLM_SpendLogs_session_id_idx")
    plan = plan_upgrade(changed("LiteLLM_SpendLogs", indexes=indexes, **size), WANTED)
    assert [step.kind for step in plan.steps] == [StepKind.CONCURRENT]
    assert plan.can_serve


def test_a_partitioned_spend_log_may_have_a_longer_key_and_keeps_its_indexes():
    live = changed(
        "LiteLLM_SpendLogs", is_partitioned=True, primary_key=("request_id", "startTime"), indexes=()
    )
    plan = plan_upgrade(live, WANTED)
    assert plan.steps == ()
    assert plan.conflicts == ()
    assert plan.warnings == ("LiteLLM_SpendLogs is partitioned: missing indexes are left to its owner.",)


def test_a_former_cascade_is_replaced_and_any_other_rule_is_left_alone():
    name = "LiteLLM_TeamMembership_budget_id_fkey"
    keys = table("LiteLLM_TeamMembership").foreign_keys
    cascade = swapped(keys, name, definition=keys[0].definition.replace("SET NULL", "CASCADE"))
    restrict = swapped(keys, name, definition=keys[0].definition.replace("SET NULL", "RESTRICT"))
    replaced = plan_upgrade(changed("LiteLLM_TeamMembership", foreign_keys=cascade), WANTED).steps
    assert [step.kind for step in replaced] == [StepKind.IN_TRANSACTION, StepKind.ATTEMPT]
    assert statements(changed("LiteLLM_TeamMembership", foreign_keys=restrict)) == []


def test_a_key_on_a_filled_table_is_added_unchecked_and_then_tried():
    plan = plan_upgrade(changed("LiteLLM_TagTable", foreign_keys=()), WANTED)
    assert plan.steps[0].sql.endswith(" NOT VALID")
    assert plan.steps[1].kind is StepKind.ATTEMPT
    assert plan.can_serve


def test_an_unchecked_key_warns_and_needs_no_step():
    key = ForeignKey(
        name="LiteLLM_TagTable_budget_id_fkey",
        definition=table("LiteLLM_TagTable").foreign_keys[0].definition,
        is_validated=False,
    )
    plan = plan_upgrade(changed("LiteLLM_TagTable", foreign_keys=(key,)), WANTED)
    assert plan.steps == ()
    assert "VALIDATE CONSTRAINT" in plan.warnings[0]


def test_tables_and_columns_of_later_releases_are_left_alone():
    extra = Column(name="later", type="text", nullable=True)
    live = changed("LiteLLM_Config", columns=(*table("LiteLLM_Config").columns, extra))
    later = TableShape(name="LiteLLM_Later", columns=(extra,), primary_key=("later",), primary_key_name="p")
    plan = plan_upgrade(replace(live, tables=(*live.tables, later)), WANTED)
    assert (plan.state, plan.steps, plan.can_serve) == (SchemaState.NEWER, (), True)
    assert plan.unknown_objects == ("LiteLLM_Config.later", "LiteLLM_Later")


def test_what_older_releases_left_behind_is_no_sign_of_a_newer_one():
    extra = Column(name="spec_version", type="text", nullable=False, default="'x'::text")
    live = changed("LiteLLM_MCPServerTable", columns=(*table("LiteLLM_MCPServerTable").columns, extra))
    assert plan_upgrade(live, WANTED).state is SchemaState.CURRENT


def test_an_unknown_mandatory_column_is_a_conflict():
    extra = Column(name="later", type="text", nullable=False)
    plan = plan_upgrade(changed("LiteLLM_Config", columns=(*table("LiteLLM_Config").columns, extra)), WANTED)
    assert plan.state is SchemaState.UNKNOWN
    assert "LiteLLM_Config.later" in plan.conflicts[0]


@pytest.mark.parametrize(
    ("found", "conflicts", "warnings"), [("text", 1, 0), ("integer", 0, 1), ("bigint", 0, 0)]
)
def test_only_types_that_lose_values_matter(found, conflicts, warnings):
    columns = swapped(table("LiteLLM_TeamTable").columns, "tpm_limit", type=found)
    plan = plan_upgrade(changed("LiteLLM_TeamTable", columns=columns), WANTED)
    assert (len(plan.conflicts), len(plan.warnings), plan.steps) == (conflicts, warnings, ())


def test_another_primary_key_is_a_conflict():
    plan = plan_upgrade(changed("LiteLLM_Config", primary_key=("param_value",)), WANTED)
    assert plan.state is SchemaState.UNKNOWN
    assert plan.conflicts == (
        "The primary key of LiteLLM_Config is param_value; this release expects param_name.",
    )


def test_a_view_in_the_place_of_a_table_is_a_conflict():
    live = replace(
        WANTED,
        tables=tuple(t for t in WANTED.tables if t.name != "LiteLLM_Config"),
        views=(*WANTED.views, "LiteLLM_Config"),
    )
    assert plan_upgrade(live, WANTED).conflicts == ("LiteLLM_Config is a view here, not a table.",)


def test_only_absent_views_are_made():
    live = replace(WANTED, views=tuple(name for name in VIEWS if name != "DailyTagSpend"))
    plan = plan_upgrade(live, WANTED)
    assert [step.reason for step in plan.steps] == ["view DailyTagSpend is missing"]
    assert plan.can_serve


def test_the_issuer_scoped_mapping_replaces_the_former_indexes():
    old_name = "LiteLLM_JWTKeyMapping_jwt_claim_name_jwt_claim_value_key"
    former = Index(
        name=old_name, definition="former", columns=("jwt_claim_name", "jwt_claim_value"), is_unique=True
    )
    want = table("LiteLLM_JWTKeyMapping")
    live = changed("LiteLLM_JWTKeyMapping", columns=without(want.columns, "jwt_issuer"), indexes=(former,))
    sent = statements(live)
    assert sent[0] == (
        'ALTER TABLE "LiteLLM_JWTKeyMapping" ADD COLUMN "jwt_issuer" text NOT NULL DEFAULT \'\'::text'
    )
    assert f'DROP INDEX IF EXISTS "{old_name}"' in sent
    assert (
        want.find_index("LiteLLM_JWTKeyMapping_jwt_issuer_jwt_claim_name_jwt_claim_v_key").definition in sent
    )
