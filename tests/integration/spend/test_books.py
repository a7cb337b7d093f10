"""The books balance to the nano-dollar after everything that can happen, and differ when somebody meddles."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from gateway.db.engine import Database
from gateway.db.lease import Lease
from gateway.db.rows import Rows
from gateway.db.schema.upgrade import upgrade
from gateway.db.tables.budgets import TagTable
from gateway.db.tables.teams import TeamTable
from gateway.domain import Scope, ScopeKind, Usage
from gateway.identity.adjustments_store import SpendEntries
from gateway.identity.teams.store import TeamRecords
from gateway.jobs.resets import BudgetResets, ResetPolicy
from gateway.spend.books.check import check_books, repair_books
from gateway.spend.builder import CallDetails
from gateway.spend.drain import Drain
from gateway.spend.journal import Journal
from gateway.spend.rejected import RejectedFile
from gateway.spend.store import SpendStore
from gateway.testing import FakeClock
from tests.integration.spend.conftest import Worker

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"
ENDED = {
    "VerificationToken": "token = 'hash'",
    "UserTable": "user_id = 'litellm-proxy-budget'",
    "TeamTable": "true",
    "BudgetTable": "true",
}
DETAILS = CallDetails(
    end_user="customer",
    tags=("blue", "free"),
    extra_scopes=(
        Scope(ScopeKind.END_USER, "customer"),
        Scope(ScopeKind.TAG, "blue"),
        Scope(ScopeKind.TAG, "free"),
    ),
)


async def found(database: Database) -> set[tuple[str, str, str, int]]:
    report = await check_books(database)
    return {(one.books, one.entity_type, one.entity_id, one.nanos) for one in report.differences}


async def recorded(database: Database, kind: str, entity_id: str) -> int:
    sql = "SELECT nanos FROM gatewright.recorded WHERE entity_type = $1 AND entity_id = $2"
    return await database.fetch_value(sql, kind, entity_id)


async def opening(database: Database, kind: str, entity_id: str) -> int | None:
    sql = "SELECT nanos FROM gatewright.opening_balance WHERE entity_type = $1 AND entity_id = $2"
    return await database.fetch_value(sql, kind, entity_id)


async def test_the_books_balance_after_requests_of_every_kind(
    database: Database, worker: Worker, drain: Drain
) -> None:
    worker.serve(1_234)
    worker.serve(5, details=DETAILS)
    worker.serve(0, details=DETAILS, status="failure")
    worker.serve(7, is_client_gone=True, details=DETAILS)
    worker.charge(worker.open(), 11, request_id="same")
    worker.charge(worker.open(), 13, request_id="same")
    await drain.flush()

    assert await found(database) == set()
    assert await recorded(database, "key", "hash") == 1_270
    assert await recorded(database, "team_member", "user:team") == 1_270
    assert await recorded(database, "user", "litellm-proxy-budget") == 1_270
    assert await recorded(database, "tag", "free") == 12


async def test_what_was_spent_before_is_the_opening_balance(
    database: Database, worker: Worker, drain: Drain
) -> None:
    assert (await check_books(database)).unopened == 1
    worker.serve(1)
    await drain.flush()

    assert await opening(database, "key", "hash") == 100_000_000
    assert await opening(database, "user", "user") == 0
    report = await check_books(database)
    assert (report.is_balanced, report.unopened) == (True, 0)


async def test_a_total_that_somebody_else_wrote_is_found_and_repaired(
    database: Database, worker: Worker, drain: Drain
) -> None:
    worker.serve(1)
    await drain.flush()
    await database.execute('UPDATE "LiteLLM_TeamTable" SET spend = spend + 0.000000005')
    await database.execute('UPDATE "LiteLLM_TeamMembership" SET spend = 0')

    assert await found(database) == {
        ("total", "team", "team", 5),
        ("total", "team_member", "user:team", -1),
    }
    await repair_books(database, actor="test")
    assert await found(database) == set()
    rows = await database.fetch("SELECT entity_type, nanos, reason, actor FROM gatewright.adjustment")
    assert {tuple(row) for row in rows} == {
        ("team", 5, "repair", "test"),
        ("team_member", -1, "repair", "test"),
    }
    worker.serve(2)
    await drain.flush()
    assert await found(database) == set()


async def test_a_spend_row_that_is_missing_is_found_and_repaired(
    database: Database, worker: Worker, drain: Drain
) -> None:
    worker.serve(3, request_id="gone")
    worker.serve(4)
    await drain.flush()
    await database.execute("DELETE FROM \"LiteLLM_SpendLogs\" WHERE request_id = 'gone'")

    differences = await found(database)
    assert ("records", "key", "hash", -3) in differences
    assert ("daily:LiteLLM_DailyUserSpend", "user_id", "user|2025-06-15", 3) in differences
    await repair_books(database, actor="test")
    assert await found(database) == set()
    worker.serve(2)
    await drain.flush()
    assert await found(database) == set()


async def test_a_day_that_differs_is_found(database: Database, worker: Worker, drain: Drain) -> None:
    worker.serve(3, details=DETAILS)
    await drain.flush()
    await database.execute("UPDATE \"LiteLLM_DailyTagSpend\" SET spend = 0.5 WHERE tag = 'free'")
    await database.execute('DELETE FROM "LiteLLM_DailyTeamSpend"')

    assert await found(database) == {
        ("daily:LiteLLM_DailyTagSpend", "tag", "free|2025-06-15", 499_999_997),
        ("daily:LiteLLM_DailyTeamSpend", "team_id", "team|2025-06-15", -3),
    }


async def test_rows_that_litellm_wrote_are_no_part_of_the_books(
    database: Database, worker: Worker, drain: Drain
) -> None:
    worker.serve(3)
    await drain.flush()
    await database.execute("""
        INSERT INTO "LiteLLM_SpendLogs"
            (request_id, call_type, api_key, spend, "startTime", "endTime", metadata)
        VALUES ('theirs', 'acompletion', 'hash', 0.5, now(), now(), '{"status": "success"}')""")

    assert await found(database) == set()


async def test_a_tag_that_gets_its_row_after_its_requests(
    database: Database, worker: Worker, drain: Drain
) -> None:
    worker.serve(5, details=DETAILS)
    await drain.flush()
    await database.execute("INSERT INTO \"LiteLLM_TagTable\" (tag_name) VALUES ('free')")
    assert await found(database) == set()
    worker.serve(7, details=DETAILS)
    await drain.flush()

    assert await found(database) == set()
    assert (await opening(database, "tag", "free"), await recorded(database, "tag", "free")) == (-5, 12)


async def test_an_end_user_that_was_deleted_and_comes_back(
    database: Database, worker: Worker, drain: Drain
) -> None:
    worker.serve(5, details=DETAILS)
    await drain.flush()
    await database.execute('DELETE FROM "LiteLLM_EndUserTable"')
    worker.serve(7, details=DETAILS)
    await drain.flush()

    assert await database.fetch_value('SELECT spend FROM "LiteLLM_EndUserTable"') == 7e-9
    assert await found(database) == set()


async def test_what_is_deleted_and_made_anew_begins_anew(
    database: Database, worker: Worker, drain: Drain
) -> None:
    database.bind([TagTable, TeamTable])
    worker.serve(5, details=DETAILS)
    await drain.flush()
    await database.execute('DELETE FROM "LiteLLM_TagTable"')
    await database.execute('DELETE FROM "LiteLLM_TeamMembership"')
    await Rows(TagTable).insert({"tag_name": "blue"})
    made = await TeamRecords(database).enter("team", {"user": None})
    await SpendEntries(database).open_accounts(ScopeKind.TEAM_MEMBER, [f"{user}:team" for user in made])
    assert await found(database) == set()
    worker.serve(7, details=DETAILS)
    await drain.flush()

    assert await found(database) == set()
    assert await opening(database, "tag", "blue") == -5 == await opening(database, "team_member", "user:team")


async def test_a_tag_that_gets_its_row_while_its_first_requests_are_drained(
    database: Database, worker: Worker, drain: Drain
) -> None:
    database.bind([TagTable])

    async def make_tag() -> None:
        async with database.transaction():
            await Rows(TagTable).insert({"tag_name": "free"})
            await SpendEntries(database).open_balance(Scope(ScopeKind.TAG, "free"), 0.0)

    async def wait_for_locks(count: int) -> None:
        while await database.fetch_value(WAITING) < count:  # noqa: ASYNC110  PostgreSQL sends no event
            await asyncio.sleep(0)

    worker.serve(5, details=DETAILS)
    async with asyncio.timeout(30), database.acquire() as lock:
        async with lock.transaction():
            await lock.execute('LOCK TABLE "LiteLLM_DailyTagSpend" IN EXCLUSIVE MODE')
            flushing = asyncio.create_task(drain.flush())
            await wait_for_locks(1)
            making = asyncio.create_task(make_tag())
            await wait_for_locks(2)
        await asyncio.gather(flushing, making)
    assert await found(database) == set()
    assert await opening(database, "tag", "free") == -5


@pytest.mark.parametrize("spend", [None, 0.000000003])
async def test_a_key_that_is_made_with_a_token_used_before(
    database: Database, worker: Worker, drain: Drain, spend: float | None
) -> None:
    worker.serve(5)
    await drain.flush()
    await database.execute("DELETE FROM \"LiteLLM_VerificationToken\" WHERE token = 'hash'")
    sql = 'INSERT INTO "LiteLLM_VerificationToken" (token, spend) VALUES ($1, $2)'
    await database.execute(sql, "hash", spend or 0.0)
    await SpendEntries(database).open_balance(Scope(ScopeKind.KEY, "hash"), spend)

    assert await found(database) == set()
    assert await opening(database, "key", "hash") == (-2 if spend else -5)


async def test_without_spend_logs_the_totals_are_checked_all_the_same(
    database: Database, worker: Worker, journal: Journal, tmp_path: Path
) -> None:
    store = SpendStore(database, writes_logs=False)
    worker.serve(5, details=DETAILS)
    await Drain(journal, store, RejectedFile(tmp_path / "rejected")).flush()
    assert await found(database) == set()

    await database.execute('UPDATE "LiteLLM_TeamTable" SET spend = 1')
    assert await found(database) == {("total", "team", "team", 999_999_995)}


async def test_a_line_that_postgresql_refuses_is_in_the_books(
    database: Database, worker: Worker, drain: Drain
) -> None:
    messages = msgspec.Raw(b'{"n": 1e999999}')
    worker.serve(5, details=msgspec.structs.replace(DETAILS, messages=messages), usage=Usage())
    worker.serve(7)
    await drain.flush()

    assert drain.rejected_records == 1
    assert await found(database) == set()


async def test_an_adopted_database_opens_with_what_it_has(
    database: Database, worker: Worker, drain: Drain
) -> None:
    today = datetime.now(UTC).date().isoformat()
    await database.execute("DROP SCHEMA gatewright CASCADE")
    await database.execute('UPDATE "LiteLLM_TeamTable" SET spend = 12.5')
    await database.execute(
        """INSERT INTO "LiteLLM_DailyTeamSpend" (id, team_id, date, api_key, spend, updated_at)
        VALUES ('1', 'team', $1, 'hash', 0.25, now()), ('2', 'team', '2025-06-15', 'hash', 0.5, now())""",
        today,
    )
    await upgrade(database.options.connect_arguments())
    assert await found(database) == set()
    assert await opening(database, "team", "team") == 12_500_000_000
    assert await opening(database, "daily:LiteLLM_DailyTeamSpend", f"team|{today}") == 250_000_000

    worker.serve(5, details=DETAILS)
    await drain.flush()
    assert await found(database) == set()
    await upgrade(database.options.connect_arguments())
    assert await found(database) == set()


async def test_the_books_balance_while_drains_and_resets_run_at_once(
    database: Database,
    make_journal: Callable[..., Journal],
    make_drain: Callable[[Journal], Drain],
) -> None:
    """Three journals drain, two reset jobs run at once, and the book is checked in between."""
    await database.execute("""
        UPDATE "LiteLLM_BudgetTable" SET budget_duration = '1d', budget_reset_at = '2020-01-01'""")
    await database.execute("UPDATE \"LiteLLM_TagTable\" SET budget_id = 'b'")
    workers = [Worker(make_journal(batch_bytes=4_000)) for _ in range(3)]
    clock = FakeClock()
    served = 0

    async def serve(worker: Worker) -> None:
        nonlocal served
        drain = make_drain(worker.journal)
        for number in range(30):
            worker.serve(1_000 + number, details=DETAILS)
            served += 1_000 + number
            await drain.flush()

    async def reset(name: str) -> None:
        lease = Lease(database, name, name)
        await lease.acquire()
        job = BudgetResets(database, clock, ResetPolicy())
        for _ in range(10):
            # One row each: nobody else locks several rows in an order of their own.
            for table, condition in ENDED.items():
                await database.execute(
                    f"""UPDATE "LiteLLM_{table}" SET budget_duration = '1d', budget_reset_at =
                        timestamp '2020-01-01' + random() * interval '1 day' WHERE {condition}"""
                )
            await job.run(lease)

    async def check() -> None:
        for _ in range(5):
            assert await found(database) == set()

    await asyncio.gather(*(serve(worker) for worker in workers), reset("one"), reset("two"), check())

    assert await found(database) == set()
    assert await recorded(database, "key", "hash") == served
    sql = """
        SELECT round(spend * 1e9)::bigint - (SELECT sum(nanos) FROM gatewright.adjustment
            WHERE entity_type = 'team' AND entity_id = 'team')::bigint FROM "LiteLLM_TeamTable" """
    assert await database.fetch_value(sql) == served


async def test_the_row_says_for_whom_it_was_booked(database: Database, worker: Worker, drain: Drain) -> None:
    worker.serve(5, details=DETAILS)
    await drain.flush()

    metadata = json.loads(await database.fetch_value('SELECT metadata FROM "LiteLLM_SpendLogs"'))
    kinds = {part if isinstance(part, str) else part[0] for part in metadata["gatewright"]["booked"]}
    assert kinds == {
        *("key", "user", "team", "team_member", "organization", "organization_member", "project"),
        *("gateway", "end_user", "tag"),
    }
