"""A dead worker's journal, cut at every byte."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.spend import interrupted
from gateway.spend.interrupted import build_interrupted, charge_interrupted, find_open
from gateway.spend.journal import Journal
from gateway.spend.records import CHARGED_PREFIX, OPENED_PREFIX, ChargedRecord
from gateway.spend.segments import JournalFolder
from tests.unit.spend.conftest import KEY, append_charged, charged, opened

COST = ChargedRecord.__struct_fields__.index("cost_nanos") + 1
"""Where a line has its nano-dollars."""


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand cuts need no durability."""
    monkeypatch.setattr(interrupted, "sync_data", lambda file: None)


def amounts(path: Path) -> dict[str, int]:
    """Nano-dollars per charge id, over all segments; a charge that stands twice fails the test."""
    found: dict[str, int] = {}
    for segment in JournalFolder(path).segments():
        for line in segment.path.read_bytes().split(b"\n"):
            if line.startswith(CHARGED_PREFIX):
                record = msgspec.json.decode(line)
                assert record[1] not in found
                found[record[1]] = record[COST]
    return found


def write_journal(make_journal: Callable[..., Journal], segment_bytes: int) -> Path:
    journal = make_journal(segment_bytes=segment_bytes)
    for charge_id in "abcde":
        journal.append_opened(opened(charge_id))
    for charge_id in "bda":
        append_charged(journal, charged(charge_id), KEY)
    journal.append_opened(opened("f"))
    path = journal._root / journal.name
    journal.close()
    return path


def cut(path: Path, size: int) -> None:
    """The rest has never been reserved."""
    os.truncate(path, size)


def cut_and_pad(path: Path, size: int) -> None:
    """The rest was reserved, and not written yet."""
    path.write_bytes(path.read_bytes()[:size].ljust(path.stat().st_size + 1_000, b"\0"))


def cut_but_for_the_end(path: Path, size: int) -> None:
    """As after a kill in the middle of a store: the first bytes of a line are there, and its last one."""
    data = path.read_bytes()
    end = data.find(b"\n", size) + 1 or size
    torn = data[:size].ljust(max(size, end - 1), b"\0") + data[max(size, end - 1) : end]
    path.write_bytes(torn.ljust(len(data) + 1_000, b"\0"))


CUTS = (cut, cut_and_pad, cut_but_for_the_end)


def check_every_cut(path: Path, work: Path, cut_at: Callable[[Path, int], None]) -> None:
    """Cut the last segment at every byte; what the whole lines before it say must come out, once."""
    segments = JournalFolder(path).segments()
    last = segments[-1].path
    for segment in segments[:-1]:
        # As if its writer had died before it cut off what it had reserved.
        segment.path.write_bytes(segment.path.read_bytes() + bytes(1_000))
    for size in range(last.stat().st_size + 1):
        copy = work / str(size)
        shutil.copytree(path, copy)
        cut_at(copy / last.name, size)
        before = amounts_of_whole_lines(copy)
        charge_interrupted(JournalFolder(copy).segments(), 0)
        assert b"\0" not in (copy / last.name).read_bytes()
        after = amounts(copy)
        assert {charge_id for charge_id, nanos in after.items() if nanos == 7} == before
        assert charge_interrupted(JournalFolder(copy).segments(), 0) == 0
        assert after == amounts(copy)
        assert drained_ids(copy) == after.keys()
        if len(segments) > 1:
            assert set("abcde") <= after.keys()
        shutil.rmtree(copy)


def drained_ids(path: Path) -> set[str]:
    return {msgspec.json.decode(line)[1] for line in drained_lines(path)}


def drained_lines(path: Path) -> list[bytes]:
    """The charges that the drain of a dead worker's journal comes by, in small steps."""
    found: list[bytes] = []
    position = 0
    while batch := JournalFolder(path).find_batch(position, 500):
        position = batch.end
        found += b"".join(lines.data for lines in batch.charges()).splitlines()
    return found


def amounts_of_whole_lines(path: Path) -> set[str]:
    ids: set[str] = set()
    for segment in JournalFolder(path).segments():
        data = segment.path.read_bytes()
        for line in data[: data.rfind(b"\n") + 1].split(b"\n"):
            if line.startswith(CHARGED_PREFIX) and b"\0" not in line:
                ids.add(msgspec.json.decode(line)[1])
    return ids


@pytest.mark.parametrize("cut_at", CUTS)
def test_a_single_segment_cut_at_any_byte_charges_each_request_once(
    cut_at: Callable[[Path, int], None], make_journal: Callable[..., Journal], tmp_path: Path
) -> None:
    check_every_cut(write_journal(make_journal, 1_000_000), tmp_path / "cuts", cut_at)


@pytest.mark.parametrize("cut_at", CUTS)
def test_a_rotated_journal_cut_at_any_byte_charges_each_request_once(
    cut_at: Callable[[Path, int], None], make_journal: Callable[..., Journal], tmp_path: Path
) -> None:
    path = write_journal(make_journal, 600)
    assert len(JournalFolder(path).segments()) > 1
    check_every_cut(path, tmp_path / "cuts", cut_at)


@pytest.mark.parametrize("size", [1, 40, 400, 2_000])
def test_a_hole_that_a_power_cut_left_costs_only_the_lines_that_it_touches(
    size: int, make_journal: Callable[..., Journal], tmp_path: Path
) -> None:
    """Pages reach the disk in any order; a later one may be there and an earlier one not."""
    path = write_journal(make_journal, 1_000_000)
    segment = JournalFolder(path).segments()[0].path
    data = segment.read_bytes()
    for start in {*range(0, len(data) - size, 7), *newlines_of(data, size)}:
        copy = tmp_path / "holes" / str(start)
        shutil.copytree(path, copy)
        (copy / segment.name).write_bytes(data[:start] + bytes(size) + data[start + size :] + bytes(1_000))
        whole = lines_beside(data, start, start + size)
        opened_ids, charged_ids = (
            {msgspec.json.decode(line)[1] for line in whole if line.startswith(prefix)}
            for prefix in (OPENED_PREFIX, CHARGED_PREFIX)
        )
        charge_interrupted(JournalFolder(copy).segments(), 0)
        found = [
            (members[1], members[COST])
            for line in drained_lines(copy)
            if (members := decode(line)) is not None
        ]
        assert len({charge_id for charge_id, _ in found}) == len(found)
        assert {charge_id for charge_id, nanos in found if nanos == 7} == charged_ids
        assert {charge_id for charge_id, _ in found} == opened_ids | charged_ids
        shutil.rmtree(copy)


def newlines_of(data: bytes, size: int) -> list[int]:
    """Where lines end, and the bytes around: these are the edges."""
    ends = [at for at, byte in enumerate(data) if byte == ord("\n")]
    return [at + step for at in ends for step in (-1, 0, 1) if at + step + size < len(data)]


def lines_beside(data: bytes, start: int, end: int) -> list[bytes]:
    """The lines of which no byte is in the hole; a newline may be, as its place still ends the line."""
    found, position = [], 0
    for line in data.splitlines(keepends=True):
        if position + len(line) - 1 <= start or position >= end:
            found.append(line)
        position += len(line)
    return found


def decode(line: bytes) -> list[Any] | None:
    """What PostgreSQL would refuse is None: a line that is torn has no closing bracket."""
    try:
        return msgspec.json.decode(line)
    except msgspec.DecodeError:
        return None


def test_recovery_killed_at_any_byte_of_its_own_writing_charges_each_request_once(
    make_journal: Callable[..., Journal], tmp_path: Path
) -> None:
    path = write_journal(make_journal, 600)
    last = JournalFolder(path).segments()[-1].path
    # A rotation that was cut short, then a recovery that was cut short.
    os.truncate(last, last.stat().st_size // 3)
    size = last.stat().st_size
    charge_interrupted(JournalFolder(path).segments(), 0)
    expected = amounts(path)
    assert set("abcde") <= expected.keys()
    for length in range(size, last.stat().st_size + 1):
        copy = tmp_path / "cuts" / str(length)
        shutil.copytree(path, copy)
        os.truncate(copy / last.name, length)
        charge_interrupted(JournalFolder(copy).segments(), 0)
        assert amounts(copy) == expected
        shutil.rmtree(copy)


def test_a_garbled_line_is_passed_over(make_journal: Callable[..., Journal]) -> None:
    path = write_journal(make_journal, 1_000_000)
    last = JournalFolder(path).segments()[-1].path
    last.write_bytes(last.read_bytes() + b'["o1",garbled\n["c1"\n')
    assert {record.charge_id for record in find_open(JournalFolder(path).segments())} == set("cef")


def test_of_several_notes_of_one_request_the_last_is_charged(make_journal: Callable[..., Journal]) -> None:
    journal = make_journal(segment_bytes=1_000_000)
    for nanos in (5, 7, 9):
        journal.append_opened(opened("a", estimate=nanos))
    path = journal._root / journal.name
    journal.close()
    assert charge_interrupted(JournalFolder(path).segments(), 0) == 1
    assert amounts(path) == {"a": 9}


def test_an_interrupted_request_keeps_what_was_known_of_it() -> None:
    record = build_interrupted(opened("a", estimate=55), 1_750_000_001_000_000_000)
    assert (record.cost_nanos, record.status, record.request_id) == (55, "failure", "call-a")
    assert record.request_duration_ms == 1_000
    metadata = msgspec.json.decode(record.metadata)
    assert metadata["status"] == "interrupted"
    assert metadata["gatewright"] == {
        "charge_id": "a",
        "cost_nanos": 55,
        "interrupted": True,
        "estimated": True,
    }
