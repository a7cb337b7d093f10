"""What a dead worker leaves behind is charged once, whatever byte it died at."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from gateway.clock import SystemClock
from gateway.db.engine import Database
from gateway.spend.journal import Journal
from gateway.spend.recovery import Recovery
from gateway.spend.store import SpendStore
from tests.integration.spend.conftest import Worker

WRITER = """
import sys
from pathlib import Path
from gateway.clock import SystemClock
from gateway.spend.journal import Journal, JournalOptions
from tests.integration.spend.conftest import Worker

# What stays open stands at the head of every segment: few, so that a slow reader does not make it gigabytes.
options = JournalOptions(segment_bytes=60_000, window_bytes=4096)
journal = Journal(Path(sys.argv[1]), "victim", SystemClock(), options)
journal.open()
worker = Worker(journal)
for number in range(1_000_000):
    context = worker.open(1_000)
    print(f"open {context.charge_id}", flush=True)
    if number % 40:
        worker.charge(context, 7)
        print(f"charged {context.charge_id}", flush=True)
"""


def abandon(journal: Journal) -> None:
    """Leave a journal as a killed worker does."""
    journal._folder.release()


async def spent(database: Database) -> int:
    return int(await database.fetch_value('SELECT round(sum(spend) * 1e9)::bigint FROM "LiteLLM_TeamTable"'))


async def test_an_open_request_of_a_dead_worker_is_charged_at_its_estimate(
    database: Database, store: SpendStore, worker: Worker, tmp_path: Path
):
    worker.serve(7)
    context = worker.open(1_000)
    abandon(worker.journal)
    recovery = Recovery(tmp_path / "journal", store, SystemClock())
    assert await recovery.recover()
    assert await spent(database) == 1_007
    row = await database.fetch_row('SELECT * FROM "LiteLLM_SpendLogs" WHERE request_id = $1', context.call_id)
    assert row is not None
    assert row["status"] == "failure"
    metadata = msgspec.json.decode(row["metadata"])
    assert metadata["status"] == "interrupted"
    assert metadata["gatewright"]["interrupted"] is True
    assert recovery.interrupted_records == 1
    assert [path for path in (tmp_path / "journal").iterdir() if path.is_dir()] == []
    assert await database.fetch_value("SELECT count(*) FROM gatewright.journal_position") == 0


async def test_a_live_journal_is_left_alone(
    database: Database, store: SpendStore, worker: Worker, tmp_path: Path
):
    worker.open(1_000)
    recovery = Recovery(tmp_path / "journal", store, SystemClock())
    assert await recovery.recover()
    assert await spent(database) == 0
    assert recovery.recovered_journals == 0


async def test_recovery_goes_on_from_where_the_dead_worker_had_drained(
    database: Database, store: SpendStore, worker: Worker, drain: object, tmp_path: Path
):
    worker.serve(7)
    await drain.flush()  # type: ignore[attr-defined]  the fixture's type lives in another module
    worker.serve(11)
    abandon(worker.journal)
    await Recovery(tmp_path / "journal", store, SystemClock()).recover()
    assert await spent(database) == 18


async def test_without_a_database_open_requests_are_charged_locally_and_drained_later(
    database: Database, store: SpendStore, worker: Worker, tmp_path: Path
):
    worker.open(1_000)
    abandon(worker.journal)
    await database.close()
    recovery = Recovery(tmp_path / "journal", store, SystemClock())
    assert not await recovery.recover()
    assert recovery.interrupted_records == 1
    assert not await recovery.recover()
    await database.open()
    assert await recovery.recover()
    assert await spent(database) == 1_000


async def test_a_recovery_that_is_killed_before_deleting_the_files_drains_nothing_twice(
    database: Database, store: SpendStore, worker: Worker, tmp_path: Path
):
    worker.open(1_000)
    abandon(worker.journal)
    root = tmp_path / "journal"
    copy = tmp_path / "copy"
    forget = store.forget_journal

    async def die(journal: str) -> None:
        shutil.copytree(root, copy)
        await forget(journal)

    store.forget_journal = die  # type: ignore[method-assign]  the moment of death
    await Recovery(root, store, SystemClock()).recover()
    store.forget_journal = forget  # type: ignore[method-assign]  as it was
    assert await Recovery(copy, store, SystemClock()).recover()
    assert await spent(database) == 1_000


@pytest.mark.parametrize("at", range(0, 101, 20))
async def test_a_journal_cut_at_any_part_of_its_last_lines_adds_up(
    at: int, database: Database, store: SpendStore, make_journal: Callable[..., Journal], tmp_path: Path
):
    """The unit tests cut at every byte; here PostgreSQL takes part."""
    worker = Worker(make_journal(segment_bytes=3_000))
    contexts = [worker.open(1_000) for _ in range(6)]
    for context in contexts[:4]:
        worker.charge(context, 7)
    await worker.journal.sync()
    last = max((tmp_path / "journal" / worker.journal.name).glob("*.segment"))
    os.truncate(last, last.stat().st_size * at // 100)
    abandon(worker.journal)
    recovery = Recovery(tmp_path / "journal", store, SystemClock())
    assert await recovery.recover()
    count = await database.fetch_value('SELECT count(*) FROM "LiteLLM_SpendLogs"')
    interrupted = recovery.interrupted_records
    assert await spent(database) == interrupted * 1_000 + (count - interrupted) * 7
    assert 4 <= count <= 6


async def test_a_hole_in_a_journal_costs_what_it_touches_and_nothing_twice(
    database: Database, store: SpendStore, worker: Worker, tmp_path: Path
):
    contexts = [worker.open(1_000) for _ in range(8)]
    ends = [worker.journal.position]
    for context in contexts[:6]:
        worker.charge(context, 7)
        ends.append(worker.journal.position)
    await worker.journal.sync()
    path = next((tmp_path / "journal" / worker.journal.name).glob("*.segment"))
    data = path.read_bytes()
    # From within the second charge to the middle of the fourth one.
    first, last = ends[1] + 50, ends[3] + 200
    path.write_bytes(data[:first] + bytes(last - first) + data[last:])
    abandon(worker.journal)
    recovery = Recovery(tmp_path / "journal", store, SystemClock())
    assert await recovery.recover()
    assert recovery.interrupted_records == 3 + 2
    assert await spent(database) == 3 * 7 + 5 * 1_000
    assert await database.fetch_value('SELECT count(*) FROM "LiteLLM_SpendLogs"') == 8


def write_until_killed(root: Path) -> list[list[bytes]]:
    """What a writer said that it had written before it was killed, word by word."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(root)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        seen = [process.stdout.readline() for _ in range(500)]
        process.send_signal(signal.SIGKILL)
        seen += process.stdout.read().splitlines(keepends=True)
    return [line.split() for line in seen if line.endswith(b"\n")]


async def test_a_writer_killed_with_sigkill_loses_nothing(
    database: Database, store: SpendStore, tmp_path: Path
):
    root = tmp_path / "victims"
    whole = write_until_killed(root)
    opened = {charge_id for kind, charge_id in whole if kind == b"open"}
    charged = {charge_id for kind, charge_id in whole if kind == b"charged"}
    recovery = Recovery(root, store, SystemClock())
    assert await recovery.recover()
    rows = await database.fetch(
        "SELECT metadata -> 'gatewright' ->> 'charge_id' AS id, round(spend * 1e9)::int AS nanos"
        ' FROM "LiteLLM_SpendLogs"'
    )
    booked = {row["id"].encode(): row["nanos"] for row in rows}
    assert len(booked) == len(rows)
    assert opened <= booked.keys()
    assert all(booked[charge_id] == 7 for charge_id in charged)
    unfinished = opened - charged
    # The last one may have been charged without having said so.
    assert sum(booked[charge_id] != 1_000 for charge_id in unfinished) <= 1
    assert await spent(database) == sum(booked.values())
