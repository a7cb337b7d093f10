"""The journal on a real file system."""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.clock import SystemClock
from gateway.errors import ServiceUnavailable
from gateway.spend.interrupted import find_open
from gateway.spend.journal import Journal, JournalOptions
from gateway.spend.records import CHARGED_PREFIX, OPENED_PREFIX
from gateway.spend.segments import JournalFolder, charged_lines
from tests.unit.spend.conftest import KEY, charged, opened

MakeJournal = Callable[..., Journal]


def folder_of(journal: Journal) -> JournalFolder:
    return JournalFolder(journal._root / journal.name)


async def read_charges(journal: Journal) -> int:
    position = count = 0
    while batch := await journal.next_batch(position):
        count += len(charged_lines(batch.data, CHARGED_PREFIX))
        position = batch.end
        await journal.mark_drained(position)
    return count


def test_folders_and_files_are_for_the_owner_only(make_journal: MakeJournal) -> None:
    folder = folder_of(make_journal())
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.path.iterdir()} == {0o600}


def test_a_live_journal_cannot_be_claimed_and_a_closed_one_can(make_journal: MakeJournal) -> None:
    journal = make_journal()
    folder = folder_of(journal)
    assert not folder.claim()
    journal.close()
    assert folder.claim()
    folder.release()


async def test_a_rotation_carries_over_what_is_open(make_journal: MakeJournal) -> None:
    journal = make_journal(segment_bytes=1_000)
    journal.append_opened(opened("long"))
    for number in range(20):
        journal.append_opened(opened(f"short-{number}"))
        journal.append_charged(charged(f"short-{number}"), (KEY,))
    segments = folder_of(journal).segments()
    assert len(segments) > 3
    last = segments[-1].path.read_bytes()
    assert b'"long"' in last
    assert [record.charge_id for record in find_open(segments)] == ["long"]
    assert await read_charges(journal) == 20
    assert len(folder_of(journal).segments()) == 1
    assert [record.charge_id for record in find_open(folder_of(journal).segments())] == ["long"]


async def test_a_drained_and_superseded_segment_is_deleted(make_journal: MakeJournal) -> None:
    journal = make_journal(segment_bytes=500)
    for number in range(10):
        journal.append_opened(opened(str(number)))
        journal.append_charged(charged(str(number)), (KEY,))
    before = len(folder_of(journal).segments())
    assert await read_charges(journal) == 10
    assert before > 1
    assert len(folder_of(journal).segments()) == 1
    assert journal.settled_after(KEY, journal.position) == 0


async def test_only_what_is_on_the_disk_is_drained(make_journal: MakeJournal) -> None:
    journal = make_journal(sync_seconds=3600.0)
    journal.append_opened(opened("1"))
    journal.append_charged(charged("1"), (KEY,))
    batch = await journal.next_batch(0)
    assert batch is not None
    assert journal._syncer.synced_position >= batch.end == journal.position


def test_a_full_disk_refuses_new_requests_and_keeps_charges(
    make_journal: MakeJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = make_journal()
    journal.append_opened(opened("1"))
    write = os.write

    calls: list[int] = []

    def fail(file: int, data: bytes) -> int:
        calls.append(1)
        if len(calls) % 2:
            return write(file, bytes(data)[:20])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", fail)
    journal.append_charged(charged("1"), (KEY,))
    assert not journal.is_healthy
    with pytest.raises(ServiceUnavailable):
        journal.append_opened(opened("2"))
    monkeypatch.setattr(os, "write", write)
    assert journal.settled_after(KEY, 0) == 0
    journal.append_opened(opened("3"))
    assert journal.is_healthy
    assert journal.settled_after(KEY, 0) == 7
    lines = folder_of(journal).segments()[-1].path.read_bytes().split(b"\n")
    assert [line[:5] for line in lines if line] == [b'["s1"', OPENED_PREFIX, CHARGED_PREFIX, OPENED_PREFIX]
    assert journal.position == sum(len(line) + 1 for line in lines) - 1


async def test_a_disk_that_does_not_sync_refuses_new_requests(
    make_journal: MakeJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = make_journal(sync_seconds=3600.0)
    journal.append_opened(opened("1"))
    sync = os.fdatasync

    def fail(file: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(OSError, match="Input/output"):
        await journal.sync()
    assert not journal.is_healthy
    with pytest.raises(ServiceUnavailable):
        journal.append_opened(opened("2"))
    journal.append_charged(charged("1"), (KEY,))
    monkeypatch.setattr(os, "fdatasync", sync)
    await journal.sync()
    assert journal.is_healthy


class JournalMachine(RuleBasedStateMachine):
    """Requests open and end in any order, segments rotate, the drain reads, at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(os.environ["PYTEST_JOURNAL_ROOT"])
        self.journal = Journal(self.root, "w", SystemClock(), JournalOptions(segment_bytes=600))
        self.journal.open()
        self.open_ids: list[str] = []
        self.count = 0
        self.charged = 0
        self.drained = 0
        self.position = 0

    @rule()
    def open_one(self) -> None:
        self.count += 1
        charge_id = str(self.count)
        self.journal.append_opened(opened(charge_id))
        self.open_ids.append(charge_id)

    @precondition(lambda self: self.open_ids)
    @rule(data=st.data(), nanos=st.integers(0, 10**9))
    def charge_one(self, data: st.DataObject, nanos: int) -> None:
        charge_id = data.draw(st.sampled_from(self.open_ids))
        self.open_ids.remove(charge_id)
        self.journal.append_charged(charged(charge_id, nanos), (KEY,))
        self.charged += nanos

    @rule()
    def drain_one(self) -> None:
        end = self.journal.undrained.find_end(self.position)
        if end is None:
            end = self.journal.position
            self.journal.undrained.seal(end)
        batch = folder_of(self.journal).read_lines(self.position, end - self.position)
        if batch is None:
            return
        for line in charged_lines(batch.data, CHARGED_PREFIX):
            self.drained += int(line.split(b",")[7])
        self.position = batch.end
        self.journal.undrained.mark_drained(self.position)

    @invariant()
    def what_is_open_is_known_from_the_last_segment(self) -> None:
        found = {record.charge_id for record in find_open(folder_of(self.journal).segments())}
        assert found == set(self.open_ids)

    @invariant()
    def the_live_counter_is_exact(self) -> None:
        assert self.drained + self.journal.settled_after(KEY, self.position) == self.charged

    def teardown(self) -> None:
        self.journal.close()


def test_any_order_of_requests_rotations_and_drains_adds_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_JOURNAL_ROOT", str(tmp_path))
    machine = JournalMachine.TestCase()
    machine.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
    machine.runTest()
