"""What docs/schema.md lists is what the code has."""

from pathlib import Path

from gateway.db.schema.additions import ADDITIONAL_INDEXES, ADDITIONS, EXCLUDED_TABLES, OWN_INDEXES
from gateway.db.schema.own import OWN_TABLES
from gateway.db.schema.plan import SchemaState
from gateway.db.schema.views import VIEWS

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "schema.md").read_text()


def test_every_addition_is_listed_with_the_migration_that_brings_it():
    rows = [line for line in PAGE.splitlines() if line.startswith("|")]
    for addition in ADDITIONS:
        table = addition.table.removeprefix("LiteLLM_")
        assert any(
            table in row and f"`{addition.column}`" in row and addition.migration in row for row in rows
        ), addition


def test_every_object_of_ours_is_named():
    names = [
        *(f"`{name}`" for name in (*OWN_TABLES, *VIEWS, *EXCLUDED_TABLES)),
        *(f"| {s} |" for s in SchemaState),
    ]
    assert [name for name in names if name not in PAGE] == []


def test_the_additional_index_is_mentioned_with_its_column():
    assert all(f"`{column}` comes the index" in PAGE for _, _, column in ADDITIONAL_INDEXES)


def test_our_own_indexes_are_named_and_do_not_look_like_litellms():
    names = [name for _, name, _ in OWN_INDEXES]
    assert [name for name in names if f"`{name}`" not in PAGE] == []
    assert all(name.startswith("gatewright_") for name in names)
