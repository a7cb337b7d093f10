"""The journal on a real file system."""

import errno
import itertools
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.clock import SystemClock
from gateway.errors import ServiceUnavailable
from gateway.spend import segment_file
from gateway.spend.interrupted import find_open
from gateway.spend.journal import Journal, JournalOptions
from gateway.spend.records import CHARGED_PREFIX, OPENED_PREFIX, ChargedRecord
from gateway.spend.segments import JournalFolder, read_segment
from tests.unit.spend.conftest import KEY, Disk, append_charged, charged, opened

COST = ChargedRecord.__struct_fields__.index("cost_nanos") + 1
"""Where a line has its nano-dollars."""

MakeJournal = Callable[..., Journal]


def folder_of(journal: Journal) -> JournalFolder:
    return JournalFolder(journal._root / journal.name)


async def read_charges(journal: Journal) -> int:
    position = count = 0
    while batch := await journal.next_batch(position):
        count += sum(lines.count for lines in batch.charges())
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
        append_charged(journal, charged(f"short-{number}"), KEY)
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
        append_charged(journal, charged(str(number)), KEY)
    before = len(folder_of(journal).segments())
    assert await read_charges(journal) == 10
    assert before > 1
    assert len(folder_of(journal).segments()) == 1
    assert journal.settled_after(KEY, journal.position) == 0


async def test_only_what_is_on_the_disk_is_drained(make_journal: MakeJournal) -> None:
    journal = make_journal(sync_seconds=3600.0)
    journal.append_opened(opened("1"))
    append_charged(journal, charged("1"), KEY)
    batch = await journal.next_batch(0)
    assert batch is not None
    assert journal._syncer.synced_position >= batch.end == journal.position


def fill_window(journal: Journal, disk: Disk) -> list[str]:
    """Open requests until the full disk refuses one; the ids of those that were taken."""
    disk.is_full = True
    taken: list[str] = []
    while True:
        charge_id = f"filling-{len(taken)}"
        try:
            journal.append_opened(opened(charge_id))
        except ServiceUnavailable:
            return taken
        taken.append(charge_id)


def test_a_full_disk_refuses_new_requests_and_keeps_charges(make_journal: MakeJournal) -> None:
    disk = Disk()
    journal = make_journal(disk.reserve, window_bytes=4096)
    journal.append_opened(opened("1"))
    taken = fill_window(journal, disk)
    for charge_id in ("1", taken[0]):
        append_charged(journal, charged(charge_id), KEY)
    assert not journal.is_healthy
    with pytest.raises(ServiceUnavailable):
        journal.append_opened(opened("2"))
    assert journal.settled_after(KEY, 0) == 0
    disk.is_full = False
    journal.append_opened(opened("3"))
    assert journal.is_healthy
    assert journal.settled_after(KEY, 0) == 14
    lines = read_segment(folder_of(journal).segments()[-1])
    kinds = [b'["s1"', *[OPENED_PREFIX] * (len(taken) + 1), CHARGED_PREFIX, CHARGED_PREFIX, OPENED_PREFIX]
    assert [line[:5] for line in lines] == [*kinds, b""]
    assert journal.position == sum(len(line) + 1 for line in lines) - 1


async def test_a_disk_with_room_again_is_found_without_a_request(make_journal: MakeJournal) -> None:
    disk = Disk()
    journal = make_journal(disk.reserve, window_bytes=8192)
    fill_window(journal, disk)
    await journal.next_batch(journal.position)
    assert not journal.is_healthy
    disk.is_full = False
    await journal.next_batch(journal.position)
    assert journal.is_healthy
    journal.append_opened(opened("after"))


def test_nothing_overtakes_charges_that_wait(make_journal: MakeJournal) -> None:
    """What is short enough for the rest of the window would fit, and must not come before them."""
    disk = Disk()
    journal = make_journal(disk.reserve, window_bytes=4096)
    fill_window(journal, disk)
    before = journal.position
    append_charged(journal, charged("filling-0"), KEY)
    with pytest.raises(ServiceUnavailable):
        journal.append_opened_line("short", b'["o1","short"]\n')
    assert journal.position == before
    disk.is_full = False


async def test_waiting_charges_are_written_when_there_is_room_again_without_a_new_request(
    make_journal: MakeJournal,
) -> None:
    disk = Disk()
    journal = make_journal(disk.reserve, window_bytes=4096)
    fill_window(journal, disk)
    append_charged(journal, charged("filling-0"), KEY)
    await journal.next_batch(0)
    assert not journal.is_healthy
    disk.is_full = False
    assert await read_charges(journal) == 1
    assert journal.is_healthy


def test_a_segment_that_the_disk_refuses_leaves_the_one_before_in_use(make_journal: MakeJournal) -> None:
    disk = Disk()
    journal = make_journal(disk.reserve, segment_bytes=1_000)
    taken = fill_window(journal, disk)
    assert len(folder_of(journal).segments()) == 1
    append_charged(journal, charged(taken[0]), KEY)
    disk.is_full = False
    journal.append_opened(opened("later"))
    segments = folder_of(journal).segments()
    assert len(segments) > 1
    assert {record.charge_id for record in find_open(segments)} == {*taken[1:], "later"}


def write_requests(journal: Journal) -> bytes:
    """Lines of every length around that of a window; returns what a file of them must be."""
    expected = read_segment(folder_of(journal).segments()[0])[0] + b"\n"
    for number, length in enumerate([*range(1, 9_000, 97), 4_096, 8_192, 20_000, 3]):
        line = b'["o1","%d","%s"]\n' % (number, b"x" * length)
        journal.append_opened_line(str(number), line)
        charge = b'["c1","%d","%s"]\n' % (number, b"y" * (9_000 - length % 9_000))
        journal.append_charged_line(str(number), charge, (KEY,), 7)
        expected += line + charge
    return expected


def test_lines_of_any_length_stand_across_windows_as_they_were_written(make_journal: MakeJournal) -> None:
    journal = make_journal(window_bytes=4096)
    expected = write_requests(journal)
    path = folder_of(journal).segments()[0].path
    assert path.read_bytes().rstrip(b"\0") == expected
    journal.close()
    assert path.read_bytes() == expected
    assert journal.position == len(expected)


async def test_a_live_segment_is_padded_and_readers_see_its_lines_only(make_journal: MakeJournal) -> None:
    journal = make_journal(sync_seconds=3600.0)
    journal.append_opened(opened("1"))
    journal.append_opened(opened("2"))
    append_charged(journal, charged("1"), KEY)
    folder = folder_of(journal)
    assert folder.segments()[0].path.stat().st_size == 256 * 1024
    assert [record.charge_id for record in find_open(folder.segments())] == ["2"]
    batch = folder.find_batch(0, 1_000_000)
    assert batch is not None
    assert batch.end == journal.position
    assert batch.has_charges()
    assert folder.find_batch(batch.end, 1_000_000) is None


async def test_a_segment_is_cut_to_its_length_when_the_next_one_is_on_the_disk(
    make_journal: MakeJournal,
) -> None:
    journal = make_journal(segment_bytes=2_000, sync_seconds=3600.0)
    for number in range(20):
        journal.append_opened(opened(str(number)))
        append_charged(journal, charged(str(number)), KEY)
    segments = folder_of(journal).segments()
    assert len(segments) > 2
    assert await read_before(journal) == 20
    await journal.sync()
    for segment, successor in itertools.pairwise(segments):
        assert segment.path.stat().st_size == successor.start - segment.start
        assert b"\0" not in segment.path.read_bytes()
    assert await read_charges(journal) == 20


async def read_before(journal: Journal) -> int:
    """Charges over all segments, while nothing has been cut and none is deleted."""
    folder, position, count = folder_of(journal), 0, 0
    while batch := folder.find_batch(position, 700):
        assert not any(b"\0" in lines.data for lines in batch.charges())
        count += sum(lines.count for lines in batch.charges())
        position = batch.end
    return count


@pytest.mark.skipif(sys.platform != "linux", reason="reads what the process has mapped from /proc")
def test_only_one_window_is_mapped_and_replaced_files_are_closed(make_journal: MakeJournal) -> None:
    journal = make_journal(window_bytes=4096, segment_bytes=20_000, sync_seconds=3600.0)
    for number in range(300):
        journal.append_opened(opened(str(number)))
        append_charged(journal, charged(str(number)), KEY)
    assert Path("/proc/self/maps").read_text().count(journal.name) == 1
    journal.close()
    assert Path("/proc/self/maps").read_text().count(journal.name) == 0
    links = [link for link in list(Path("/proc/self/fd").iterdir()) if link.is_symlink()]
    assert not [link for link in links if journal.name in str(link.readlink())]


def test_a_closed_journal_refuses_requests(make_journal: MakeJournal) -> None:
    journal = make_journal()
    journal.close()
    with pytest.raises(ServiceUnavailable):
        journal.append_opened(opened("1"))


async def test_a_disk_that_does_not_sync_refuses_new_requests(
    make_journal: MakeJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = make_journal(sync_seconds=3600.0)
    journal.append_opened(opened("1"))

    def fail(file: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(segment_file, "sync_data", fail)
    with pytest.raises(OSError, match="Input/output"):
        await journal.sync()
    assert not journal.is_healthy
    with pytest.raises(ServiceUnavailable):
        journal.append_opened(opened("2"))
    append_charged(journal, charged("1"), KEY)
    monkeypatch.undo()
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
        append_charged(self.journal, charged(charge_id, nanos), KEY)
        self.charged += nanos

    @rule()
    def drain_one(self) -> None:
        end = self.journal.undrained.find_end(self.position)
        if end is None:
            end = self.journal.position
            self.journal.undrained.seal(end)
        batch = folder_of(self.journal).find_batch(self.position, end - self.position)
        if batch is None:
            return
        for line in b"".join(lines.data for lines in batch.charges()).splitlines():
            self.drained += int(line.split(b",")[COST])
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
