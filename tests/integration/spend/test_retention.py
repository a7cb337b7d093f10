"""Old rows are deleted in parts, and the books balance before, between and after."""

import asyncio
from datetime import UTC, datetime

import pytest

from gateway.db.engine import Database
from gateway.db.lease import Lease, LeaseLostError
from gateway.domain import Scope, ScopeKind
from gateway.errors import DatabaseUnavailable
from gateway.jobs.retention import Retention, RetentionPolicy
from gateway.spend.books.check import check_books
from gateway.spend.builder import CallDetails
from gateway.spend.drain import Drain
from gateway.testing import FakeClock
from tests.integration.spend.conftest import STARTED_NANOS, Worker

DAY = 86_400
NOW = datetime(2025, 6, 25, 12, tzinfo=UTC)
DETAILS = CallDetails(
    end_user="customer",
    tags=("blue",),
    extra_scopes=(Scope(ScopeKind.END_USER, "customer"), Scope(ScopeKind.TAG, "blue")),
)
WEEK = RetentionPolicy(logs_seconds=7 * DAY)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(int(NOW.timestamp()) * 1_000_000_000)


@pytest.fixture
async def lease(database: Database) -> Lease:
    lease = Lease(database, "job", "worker")
    await lease.acquire()
    return lease


@pytest.fixture
async def spent(worker: Worker, drain: Drain) -> None:
    """Fifty requests of ten days ago, and one of today."""
    for number in range(50):
        worker.serve(1_000 + number, details=DETAILS)
    today = int(NOW.timestamp()) * 1_000_000_000
    worker.serve(7, details=DETAILS, started_nanos=today, ended_nanos=today + 1)
    await drain.flush()


async def count(database: Database, table: str) -> int:
    return await database.fetch_value(f'SELECT count(*) FROM "{table}"')


@pytest.mark.usefixtures("spent")
async def test_old_rows_go_and_the_books_balance(database: Database, lease: Lease, clock: FakeClock) -> None:
    assert await Retention(database, clock, WEEK).run(lease) is None

    assert await count(database, "LiteLLM_SpendLogs") == 1
    assert (await check_books(database)).differences == ()
    row = await database.fetch_row("SELECT * FROM gatewright.recorded WHERE entity_type = 'team'")
    assert row is not None
    assert (row["nanos"], row["rowless_nanos"]) == (51_225 + 7, 51_225)
    assert await count(database, "LiteLLM_DailyUserSpend") == 2


@pytest.mark.usefixtures("spent")
async def test_a_row_that_is_missing_later_is_found_all_the_same(
    database: Database, lease: Lease, clock: FakeClock
) -> None:
    await Retention(database, clock, WEEK).run(lease)
    await database.execute('DELETE FROM "LiteLLM_SpendLogs"')

    found = {(one.books, one.entity_id) for one in (await check_books(database)).differences}
    assert ("records", "hash") in found
    assert ("daily:LiteLLM_DailyTagSpend", "blue|2025-06-25") in found
    assert not any("2025-06-15" in entity_id for _, entity_id in found)


@pytest.mark.usefixtures("spent")
async def test_a_run_is_bounded_and_goes_on_later(database: Database, lease: Lease, clock: FakeClock) -> None:
    policy = RetentionPolicy(logs_seconds=7 * DAY, batch_rows=10, max_batches=3)
    job = Retention(database, clock, policy)

    assert await job.run(lease) == 60
    assert (job.deleted, await count(database, "LiteLLM_SpendLogs")) == (30, 21)
    assert (await check_books(database)).differences == ()
    assert await job.run(lease) == 60
    assert await job.run(lease) is None
    assert await count(database, "LiteLLM_SpendLogs") == 1


@pytest.mark.usefixtures("spent")
async def test_a_run_ends_when_its_time_is_over(database: Database, lease: Lease, clock: FakeClock) -> None:
    job = Retention(database, clock, RetentionPolicy(logs_seconds=7 * DAY, run_seconds=0))

    assert await job.run(lease) == 60
    assert job.deleted == 0


@pytest.mark.usefixtures("spent")
async def test_a_job_that_lost_its_lease_deletes_nothing(
    database: Database, lease: Lease, clock: FakeClock
) -> None:
    await database.execute("UPDATE gatewright.lease SET expires_at = now() - interval '1 second'")
    await Lease(database, "job", "successor").acquire()

    with pytest.raises(LeaseLostError):
        await Retention(database, clock, WEEK).run(lease)
    assert await count(database, "LiteLLM_SpendLogs") == 51


@pytest.mark.usefixtures("spent")
async def test_a_statement_that_takes_too_long_is_cut_off(
    database: Database, lease: Lease, clock: FakeClock
) -> None:
    policy = RetentionPolicy(logs_seconds=7 * DAY, batch_seconds=0.05)
    async with asyncio.timeout(20), database.transaction() as connection:
        await connection.execute('LOCK TABLE "LiteLLM_SpendLogs"')
        job = asyncio.create_task(Retention(database, clock, policy).run(lease))
        with pytest.raises(DatabaseUnavailable):
            await job
    assert await count(database, "LiteLLM_SpendLogs") == 51


@pytest.mark.usefixtures("spent")
async def test_it_runs_beside_drains_without_losing_anything(
    database: Database, lease: Lease, clock: FakeClock, worker: Worker, drain: Drain
) -> None:
    job = Retention(database, clock, RetentionPolicy(logs_seconds=7 * DAY, batch_rows=3))

    async def serve() -> None:
        for number in range(40):
            worker.serve(number, details=DETAILS)
            await drain.flush()

    await asyncio.gather(serve(), job.run(lease), job.run(lease))

    assert (await check_books(database)).differences == ()
    sql = "SELECT nanos FROM gatewright.recorded WHERE entity_type = 'team'"
    assert await database.fetch_value(sql) == 51_225 + 7 + sum(range(40))


@pytest.mark.usefixtures("spent")
async def test_other_old_rows_have_periods_of_their_own(
    database: Database, lease: Lease, clock: FakeClock
) -> None:
    await database.execute("""
        INSERT INTO "LiteLLM_HealthCheckTable" (health_check_id, model_name, status, checked_at, updated_at)
        VALUES ('old', 'm', 'healthy', '2025-06-01', now()), ('new', 'm', 'healthy', '2025-06-24', now())""")
    policy = RetentionPolicy(checks_seconds=7 * DAY, tag_days_seconds=7 * DAY)
    await Retention(database, clock, policy).run(lease)

    assert await database.fetch_value('SELECT health_check_id FROM "LiteLLM_HealthCheckTable"') == "new"
    assert await database.fetch_value('SELECT date FROM "LiteLLM_DailyTagSpend"') == "2025-06-25"
    assert await count(database, "LiteLLM_SpendLogs") == 51
    assert (await check_books(database)).differences == ()


async def test_the_indexes_and_errors_age_with_the_spend_rows(
    database: Database, lease: Lease, clock: FakeClock
) -> None:
    await database.execute("""
        INSERT INTO "LiteLLM_SpendLogToolIndex" (request_id, tool_name, start_time)
        VALUES ('old', 't', '2025-06-01'), ('new', 't', '2025-06-24')""")
    await database.execute("""
        INSERT INTO "LiteLLM_ErrorLogs" (request_id, "startTime", "endTime")
        VALUES ('old', '2025-06-01', '2025-06-01'), ('new', '2025-06-24', '2025-06-24')""")
    await Retention(database, clock, WEEK).run(lease)

    assert await database.fetch_value('SELECT request_id FROM "LiteLLM_SpendLogToolIndex"') == "new"
    assert await database.fetch_value('SELECT request_id FROM "LiteLLM_ErrorLogs"') == "new"


def test_the_requests_are_older_than_a_week() -> None:
    assert int(NOW.timestamp()) - STARTED_NANOS // 1_000_000_000 > 9 * DAY
