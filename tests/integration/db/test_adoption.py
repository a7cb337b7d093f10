"""Databases of every age are adopted in place: all that is missing is added, nothing is lost."""

import asyncio
import sys

import asyncpg
import pytest

from gateway.db.schema.additions import ADDITIONAL_INDEXES, OWN_INDEXES
from gateway.db.schema.catalog import load_wanted_catalog
from gateway.db.schema.connection import open_connection
from gateway.db.schema.current import is_current
from gateway.db.schema.locks import UpgradeLimits
from gateway.db.schema.own import OWN_TABLES
from gateway.db.schema.plan import SchemaState
from gateway.db.schema.status import read_status
from gateway.db.schema.upgrade import upgrade
from gateway.db.schema.views import VIEWS
from gateway.errors import SchemaError

IMPATIENT = UpgradeLimits(turn_seconds=5, lock_seconds=0.05, attempts=2, first_pause_seconds=0.01)


async def test_an_empty_database_gets_exactly_the_wanted_catalog(database_url, read):
    before = await read_status(database_url)
    report = await upgrade(database_url)
    live = await read(database_url)
    wanted = load_wanted_catalog()
    assert (before.state, before.can_serve) == (SchemaState.EMPTY, False)
    assert len(report.steps) == before.pending_statements
    assert {table.name for table in live.tables} == {table.name for table in wanted.tables}
    for have, want in zip(live.tables, wanted.tables, strict=True):
        assert have.columns == want.columns
        assert (have.primary_key, have.primary_key_name) == (want.primary_key, want.primary_key_name)
        assert have.indexes == want.indexes
        assert have.foreign_keys == want.foreign_keys
    assert live.enums == wanted.enums


async def test_a_filled_litellm_database_keeps_every_row(litellm_url, fill, checksums):
    filled = await fill(litellm_url)
    before = await checksums(litellm_url, filled)
    report = await upgrade(litellm_url)
    status = await read_status(litellm_url)
    assert report.steps
    assert report.warnings == ()
    assert await checksums(litellm_url, filled) == before
    assert status.can_serve
    assert status.pending_statements == 0
    assert status.state in {SchemaState.CURRENT, SchemaState.NEWER}


async def test_an_older_database_ends_with_the_wanted_columns_keys_and_indexes(older_url, read):
    await upgrade(older_url)
    live = (await read(older_url)).by_name()
    for want in load_wanted_catalog().tables:
        have = live[want.name]
        assert {(c.name, c.type, c.nullable, c.default) for c in want.columns} <= {
            (c.name, c.type, c.nullable, c.default) for c in have.columns
        }
        assert have.primary_key == want.primary_key
        assert set(want.indexes) <= set(have.indexes)
        assert set(want.foreign_keys) <= set(have.foreign_keys)


async def test_the_second_upgrade_sends_nothing(litellm_url):
    await upgrade(litellm_url)
    second = await upgrade(litellm_url)
    assert (second.steps, second.migrations) == ((), ())


async def test_a_newer_database_keeps_its_own_rules(newest_url, read):
    before = (await read(newest_url)).by_name()
    await upgrade(newest_url)
    after = (await read(newest_url)).by_name()
    added = {(name, index.name) for name, table in after.items() for index in table.indexes} - {
        (name, index.name) for name, table in before.items() for index in table.indexes
    }
    assert added == {(table, name) for table, name, _ in (*ADDITIONAL_INDEXES, *OWN_INDEXES)}
    assert [table.columns for table in after.values()] == [table.columns for table in before.values()]
    assert [t.foreign_keys for t in after.values()] == [t.foreign_keys for t in before.values()]


async def test_a_dry_run_lists_the_steps_and_changes_nothing(older_url, read):
    before = await read(older_url)
    planned = await upgrade(older_url, dry_run=True)
    untouched = await read(older_url)
    done = await upgrade(older_url)
    assert untouched == before
    assert planned.steps == done.steps
    assert planned.migrations == done.migrations


async def test_the_quick_look_follows_what_an_upgrade_left(database_url, execute):
    async with open_connection(database_url) as connection:
        assert not await is_current(connection)
        await upgrade(database_url)
        assert await is_current(connection)
        await execute(database_url, 'ALTER TABLE "LiteLLM_Config" DROP COLUMN param_value')
        assert not await is_current(connection)


async def test_what_somebody_removed_comes_back(current_url, execute):
    await execute(current_url, 'DROP VIEW "LiteLLM_VerificationTokenView"')
    await execute(current_url, 'ALTER TABLE "LiteLLM_VerificationToken" DROP COLUMN tpd_limit')
    status = await read_status(current_url)
    report = await upgrade(current_url)
    assert (status.state, status.can_serve) == (SchemaState.OLDER, False)
    assert [step.reason for step in report.steps] == [
        "LiteLLM_VerificationToken lacks tpd_limit",
        "view LiteLLM_VerificationTokenView is missing",
    ]
    assert (await read_status(current_url)).state is SchemaState.CURRENT


async def test_rows_without_a_parent_leave_the_key_unchecked_and_are_told(older_url, execute, fetchval):
    name = "LiteLLM_EndUserTable_budget_id_fkey"
    await execute(older_url, f'ALTER TABLE "LiteLLM_EndUserTable" DROP CONSTRAINT "{name}"')
    await execute(
        older_url,
        """INSERT INTO "LiteLLM_EndUserTable" (user_id, blocked, budget_id) VALUES ('u', false, 'gone')""",
    )
    report = await upgrade(older_url)
    again = await upgrade(older_url)
    assert [name in warning for warning in report.warnings] == [True]
    assert again.steps == ()
    assert any(name in sentence for sentence in (await read_status(older_url)).sentences)
    assert (
        await fetchval(older_url, "SELECT convalidated FROM pg_constraint WHERE conname = $1", name) is False
    )


async def test_a_held_table_fails_cleanly_and_a_retry_works(older_url, read):
    before = await read(older_url)
    holder = await asyncpg.connect(older_url)
    transaction = holder.transaction()
    await transaction.start()
    await holder.fetch('SELECT * FROM "LiteLLM_BudgetTable"')
    with pytest.raises(SchemaError, match=r"did not get its locks in 2 attempts.*LiteLLM_BudgetTable"):
        await upgrade(older_url, limits=IMPATIENT)
    assert await read(older_url) == before
    await transaction.rollback()
    await holder.close()
    assert (await upgrade(older_url, limits=IMPATIENT)).steps


async def test_a_foreign_type_is_refused_in_a_sentence(base_url, execute, read):
    await execute(base_url, 'ALTER TABLE "LiteLLM_TeamTable" ALTER COLUMN team_alias TYPE bytea USING NULL')
    before = await read(base_url)
    status = await read_status(base_url)
    with pytest.raises(SchemaError, match=r"LiteLLM_TeamTable.team_alias has type bytea"):
        await upgrade(base_url)
    assert (status.state, status.can_serve) == (SchemaState.UNKNOWN, False)
    assert await read(base_url) == before


async def test_another_schema_of_the_search_path_is_used_alone(database_url, execute, fetchval):
    await execute(database_url, "CREATE SCHEMA tenant")
    target = {"dsn": database_url, "server_settings": {"search_path": "tenant"}}
    await upgrade(target)
    assert (await read_status(target)).state is SchemaState.CURRENT
    assert (await upgrade(target)).steps == ()
    count = "SELECT count(*) FROM pg_tables WHERE schemaname = $1"
    assert await fetchval(database_url, count, "tenant") == 64
    assert await fetchval(database_url, count, "public") == 0


async def test_two_processes_at_once_do_the_work_once(older_url):
    program = (
        "import asyncio, sys\n"
        "from gateway.db.schema.upgrade import upgrade\n"
        "print(len(asyncio.run(upgrade(sys.argv[1])).steps))\n"
    )
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, older_url, stdout=asyncio.subprocess.PIPE
        )
        for _ in range(2)
    ]
    outputs = [await process.communicate() for process in started]
    counts = sorted(int(out) for out, _ in outputs)
    assert [process.returncode for process in started] == [0, 0]
    assert counts[0] == 0
    assert counts[1] > 100


async def test_every_view_can_be_read(current_url, fill, fetchval):
    await fill(current_url)
    for view in VIEWS:
        assert await fetchval(current_url, f'SELECT count(*) FROM "{view}"') >= 0
    tag = """UPDATE "LiteLLM_SpendLogs" SET request_tags = '["a", "b"]' RETURNING 1"""
    await fetchval(current_url, tag)
    assert await fetchval(current_url, 'SELECT sum(log_count) FROM "DailyTagSpend"') == 6


async def test_a_role_named_like_our_schema_gets_its_tables_in_public(database_url, fetchval):
    await upgrade(database_url)
    count = "SELECT count(*) FROM pg_tables WHERE schemaname = $1"
    assert await fetchval(database_url, "SELECT current_user::text") == "gatewright"
    assert await fetchval(database_url, count, "public") == 64
    assert await fetchval(database_url, count, "gatewright") == len(OWN_TABLES)


async def test_adopting_warns_once_about_organizations_with_a_budget_of_zero(base_url, execute):
    await execute(
        base_url,
        """INSERT INTO "LiteLLM_BudgetTable" (budget_id, max_budget, created_by, updated_by)
           VALUES ('zero', 0, 'a', 'a'), ('free', NULL, 'a', 'a');
           INSERT INTO "LiteLLM_OrganizationTable"
           (organization_id, organization_alias, budget_id, models, created_by, updated_by)
           VALUES ('acme', 'Acme', 'zero', '{}', 'a', 'a'), ('rich', 'Rich', 'free', '{}', 'a', 'a')""",
    )
    planned = await upgrade(base_url, dry_run=True)
    done = await upgrade(base_url)
    again = await upgrade(base_url)
    assert ["acme" in warning and "rich" not in warning for warning in done.warnings] == [True]
    assert planned.warnings == done.warnings
    assert again.warnings == ()
