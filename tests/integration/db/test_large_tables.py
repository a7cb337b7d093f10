"""Indexes of large tables are built outside the transaction, and an unfinished build is taken up again."""

import pytest

from gateway.db.schema import indexes
from gateway.db.schema.concurrent import build_large_indexes
from gateway.db.schema.status import read_status
from gateway.db.schema.steps import StepKind
from gateway.db.schema.upgrade import upgrade

INDEX = "LiteLLM_SpendLogs_litellm_call_id_idx"
IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)"


@pytest.fixture
async def large_url(base_url, fill, execute, monkeypatch):
    """A database in which three rows are many."""
    monkeypatch.setattr(indexes, "LARGE_TABLE_ROWS", 3)
    await fill(base_url)
    await execute(base_url, "ANALYZE")
    return base_url


async def test_an_index_of_a_large_table_is_built_concurrently(large_url, fetchval):
    report = await upgrade(large_url)
    concurrent = [step.sql for step in report.steps if step.kind is StepKind.CONCURRENT]
    assert (
        f'CREATE INDEX CONCURRENTLY "{INDEX}" ON "LiteLLM_SpendLogs" USING btree (litellm_call_id)'
        in concurrent
    )
    assert all(sql.startswith("CREATE INDEX CONCURRENTLY") for sql in concurrent)
    assert await fetchval(large_url, IS_VALID, f'"{INDEX}"') is True
    assert (await upgrade(large_url)).steps == ()


async def test_a_build_that_did_not_finish_starts_over(large_url, execute, fetchval):
    await upgrade(large_url)
    await execute(
        large_url, f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '\"{INDEX}\"'::regclass"
    )
    status = await read_status(large_url)
    steps = await build_large_indexes(large_url)
    assert status.can_serve
    assert [step.sql.split('"')[0].strip() for step in steps] == [
        "DROP INDEX CONCURRENTLY IF EXISTS",
        "CREATE INDEX CONCURRENTLY",
    ]
    assert await fetchval(large_url, IS_VALID, f'"{INDEX}"') is True
    assert await build_large_indexes(large_url) == ()
