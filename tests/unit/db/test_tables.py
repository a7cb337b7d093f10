"""The tables of the code against the wanted catalog, without a database."""

import pytest
from piccolo.columns import ForeignKey

from gateway.db.schema.catalog import load_wanted_catalog
from gateway.db.schema.drift import compare_tables
from gateway.db.tables import TABLES, TeamMembership, VerificationToken

WANTED = load_wanted_catalog().by_name()


def test_there_are_64_tables_with_the_physical_names():
    assert len(TABLES) == 64
    assert {table._meta.tablename for table in TABLES} == set(WANTED)
    assert all(table._meta.tablename == f"LiteLLM_{table.__name__}" for table in TABLES)


def test_every_column_has_the_physical_type_and_nullability():
    assert compare_tables(TABLES, load_wanted_catalog()) == ()


def test_the_tables_have_no_column_besides_the_physical_ones():
    for table in TABLES:
        physical = {column.name for column in WANTED[table._meta.tablename].columns}
        assert {column._meta.name for column in table._meta.columns} == physical


def test_foreign_keys_are_those_of_the_database_with_their_rules():
    for table in TABLES:
        declared = {_definition(column) for column in table._meta.foreign_key_columns}
        assert declared == {key.definition for key in WANTED[table._meta.tablename].foreign_keys}


def _definition(column: ForeignKey) -> str:
    meta = column._foreign_key_meta
    target = meta.resolved_references._meta.tablename
    return (
        f'FOREIGN KEY ({column._meta.name}) REFERENCES "{target}"({meta.target_column}) '
        f"ON UPDATE {meta.on_update.value} ON DELETE {meta.on_delete.value}"
    )


def test_defaults_stand_in_for_the_database_where_it_has_one():
    for table in TABLES:
        for column in table._meta.columns:
            physical = WANTED[table._meta.tablename].find_column(column._meta.name)
            if physical.default is not None and "nextval" not in physical.default:
                assert column.default is not None, f"{table.__name__}.{column._meta.name}"


@pytest.mark.parametrize("method", ["save", "remove", "refresh", "update_self"])
def test_rows_with_a_composite_key_refuse_row_methods(method):
    row = TeamMembership(user_id="u", team_id="t")
    with pytest.raises(TypeError, match=r"TeamMembership has a key of several columns"):
        getattr(row, method)()


def test_all_tables_with_a_composite_key_are_guarded():
    for table in TABLES:
        is_composite = len(WANTED[table._meta.tablename].primary_key) > 1
        assert is_composite == any(base.__name__ == "CompositeKeyRows" for base in table.__mro__)


async def test_a_missing_mandatory_value_is_refused_before_any_sql():
    with pytest.raises(ValueError, match="token"):
        VerificationToken()
