"""A dead worker's journal, cut at every byte."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from gateway.spend.interrupted import build_interrupted, charge_interrupted, find_open
from gateway.spend.journal import Journal
from gateway.spend.records import CHARGED_PREFIX
from gateway.spend.segments import JournalFolder
from tests.unit.spend.conftest import KEY, charged, opened


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand cuts need no durability."""
    monkeypatch.setattr(os, "fdatasync", lambda file: None)


def amounts(path: Path) -> dict[str, int]:
    """Nano-dollars per charge id, over all segments; a charge that stands twice fails the test."""
    found: dict[str, int] = {}
    for segment in JournalFolder(path).segments():
        for line in segment.path.read_bytes().split(b"\n"):
            if line.startswith(CHARGED_PREFIX):
                record = msgspec.json.decode(line)
                assert record[1] not in found
                found[record[1]] = record[7]
    return found


def write_journal(make_journal: Callable[..., Journal], segment_bytes: int) -> Path:
    journal = make_journal(segment_bytes=segment_bytes)
    for charge_id in "abcde":
        journal.append_opened(opened(charge_id))
    for charge_id in "bda":
        journal.append_charged(charged(charge_id), (KEY,))
    journal.append_opened(opened("f"))
    path = journal._root / journal.name
    journal.close()
    return path


def check_every_cut(path: Path, work: Path) -> None:
    """Cut the last segment at every byte; what the whole lines before it say must come out, once."""
    segments = JournalFolder(path).segments()
    last = segments[-1].path
    for size in range(last.stat().st_size + 1):
        copy = work / str(size)
        shutil.copytree(path, copy)
        os.truncate(copy / last.name, size)
        before = amounts_of_whole_lines(copy)
        charge_interrupted(JournalFolder(copy).segments(), 0)
        after = amounts(copy)
        assert {charge_id for charge_id, nanos in after.items() if nanos == 7} == before
        assert charge_interrupted(JournalFolder(copy).segments(), 0) == 0
        assert after == amounts(copy)
        if len(segments) > 1:
            assert set("abcde") <= after.keys()
        shutil.rmtree(copy)


def amounts_of_whole_lines(path: Path) -> set[str]:
    ids: set[str] = set()
    for segment in JournalFolder(path).segments():
        data = segment.path.read_bytes()
        for line in data[: data.rfind(b"\n") + 1].split(b"\n"):
            if line.startswith(CHARGED_PREFIX):
                ids.add(msgspec.json.decode(line)[1])
    return ids


def test_a_single_segment_cut_at_any_byte_charges_each_request_once(
    make_journal: Callable[..., Journal], tmp_path: Path
) -> None:
    check_every_cut(write_journal(make_journal, 1_000_000), tmp_path / "cuts")


def test_a_rotated_journal_cut_at_any_byte_charges_each_request_once(
    make_journal: Callable[..., Journal], tmp_path: Path
) -> None:
    path = write_journal(make_journal, 600)
    assert len(JournalFolder(path).segments()) > 1
    check_every_cut(path, tmp_path / "cuts")


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
    for cut in range(size, last.stat().st_size + 1):
        copy = tmp_path / "cuts" / str(cut)
        shutil.copytree(path, copy)
        os.truncate(copy / last.name, cut)
        charge_interrupted(JournalFolder(copy).segments(), 0)
        assert amounts(copy) == expected
        shutil.rmtree(copy)


def test_a_garbled_line_is_passed_over(make_journal: Callable[..., Journal]) -> None:
    path = write_journal(make_journal, 1_000_000)
    last = JournalFolder(path).segments()[-1].path
    last.write_bytes(last.read_bytes() + b'["o1",garbled\n["c1"\n')
    assert {record.charge_id for record in find_open(JournalFolder(path).segments())} == set("cef")


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
