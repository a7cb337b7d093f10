import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from gateway.db.engine import Database
from gateway.db.lease import Lease
from gateway.db.url import parse_database_url
from gateway.jobs.runner import Job, JobRunner
from gateway.testing import FakeClock


@pytest.fixture
async def database(migrated_database_url: str) -> AsyncIterator[Database]:
    database = Database(parse_database_url(migrated_database_url))
    await database.open()
    yield database
    await database.close()


class Workers:
    """Two workers with one job; `done` says who did it, in order."""

    def __init__(self, database: Database) -> None:
        self.clock = FakeClock()
        self.done: list[str] = []
        self.next_seconds: float | None = None
        self.failure: Exception | None = None
        self.runners = {name: self._build(database, name) for name in ("one", "two")}

    def _build(self, database: Database, name: str) -> JobRunner:
        async def work(_lease: Lease) -> float | None:
            self.done.append(name)
            if self.failure is not None:
                raise self.failure
            return self.next_seconds

        job = Job(work=work, min_seconds=100, max_seconds=100)
        return JobRunner(Lease(database, "job", name), job, self.clock)

    async def turn(self, name: str) -> None:
        await self.runners[name].turn()


@pytest.fixture
def workers(database: Database) -> Workers:
    return Workers(database)


async def test_one_of_two_workers_runs_the_job(workers: Workers) -> None:
    for _ in range(3):
        await workers.turn("one")
        await workers.turn("two")

    assert workers.done == ["one"]


async def test_the_job_runs_again_when_its_interval_is_over(workers: Workers) -> None:
    await workers.turn("one")
    workers.clock.advance(99)
    await workers.turn("one")
    workers.clock.advance(2)
    await workers.turn("one")

    assert workers.done == ["one", "one"]


async def test_a_job_that_knows_of_something_due_runs_earlier(workers: Workers) -> None:
    workers.next_seconds = 7.0
    await workers.turn("one")
    workers.clock.advance(8)
    await workers.turn("one")

    assert workers.done == ["one", "one"]


async def test_another_worker_goes_on_when_the_holder_dies(workers: Workers, database: Database) -> None:
    await workers.turn("one")
    await database.execute("UPDATE gatewright.lease SET expires_at = now() - interval '1 second'")
    await workers.turn("two")
    await workers.turn("one")

    assert workers.done == ["one", "two"]


async def test_another_worker_goes_on_when_the_holder_stops(workers: Workers) -> None:
    await workers.turn("one")
    await workers.runners["one"].stop()
    await workers.turn("two")

    assert workers.done == ["one", "two"]


async def test_a_failure_is_told_and_the_job_goes_on(database: Database) -> None:
    workers = Workers(database)
    workers.failure = ValueError("no")
    pauses: list[float] = []
    runner = JobRunner(
        workers.runners["one"]._lease,
        workers.runners["one"]._job,
        workers.clock,
        pause=_pause_three_times(workers, pauses),
    )
    with pytest.raises(asyncio.CancelledError):
        await runner.run()

    assert workers.done == ["one", "one", "one"]
    assert runner.last_error == "ValueError: no"
    assert pauses == [15.0, 15.0, 15.0]


def _pause_three_times(workers: Workers, pauses: list[float]) -> Callable[[float], Awaitable[None]]:
    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise asyncio.CancelledError
        workers.clock.advance(16)

    return pause


async def test_a_job_that_has_its_times_waits_for_them(database: Database) -> None:
    clock, left, done = FakeClock(), [50.0], list[str]()

    async def work(_lease: Lease) -> None:
        done.append("ran")
        left[0] = 100.0

    runner = JobRunner(Lease(database, "job", "one"), Job(work=work, seconds_left=lambda: left[0]), clock)
    await runner.turn()
    clock.advance(49)
    await runner.turn()
    assert done == []
    clock.advance(1)
    await runner.turn()
    clock.advance(99)
    await runner.turn()
    assert done == ["ran"]
    clock.advance(1)
    await runner.turn()
    assert done == ["ran", "ran"]
