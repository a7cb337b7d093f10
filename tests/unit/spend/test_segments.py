"""Batches of a segment, as the drain reads them."""

import os
from pathlib import Path

import pytest

from gateway.spend.segments import Batch, JournalFolder, keep_charged, segment_path


def build_line(kind: bytes, number: int, length: int = 10) -> bytes:
    return b'["%s","%d","%s"]\n' % (kind, number, b"x" * length)


def write_segment(folder: Path, data: bytes, start: int = 0) -> JournalFolder:
    segment_path(folder, start).write_bytes(data)
    return JournalFolder(folder)


def find_all(folder: JournalFolder, size_bytes: int) -> list[Batch]:
    found: list[Batch] = []
    position = 0
    while batch := folder.find_batch(position, size_bytes):
        found.append(batch)
        position = batch.end
    return found


@pytest.mark.parametrize("size_bytes", [1, 1_000, 100_000, 2_000_000, 100_000_000])
def test_batches_have_every_charge_once_however_long_the_lines_are(size_bytes: int, tmp_path: Path) -> None:
    lengths = [10, 200_000, 0, 3_000, 122_880, 700_000, *range(0, 3_000, 100), 5]
    charges = [build_line(b"c1", number, length) for number, length in enumerate(lengths)]
    opened = [build_line(b"o1", number, length // 2) for number, length in enumerate(lengths)]
    data = b"".join(opened + charges[:4] + opened[:3] + charges[4:])
    half = data.index(charges[5])
    write_segment(tmp_path, data[:half])
    folder = write_segment(tmp_path, data[half:], half)
    batches = find_all(folder, size_bytes)
    assert [batch.start for batch in batches] == [0, *(batch.end for batch in batches[:-1])]
    assert batches[-1].end == len(data)
    found = [lines for batch in batches for lines in batch.charges()]
    assert b"".join(lines.data for lines in found) == b"".join(charges)
    assert sum(lines.count for lines in found) == len(charges)
    assert all(lines.count == lines.data.count(b"\n") for lines in found)


def test_a_batch_can_be_read_again_and_again(tmp_path: Path) -> None:
    folder = write_segment(tmp_path, build_line(b"c1", 1) + build_line(b"o1", 2))
    batch = folder.find_batch(0, 1_000)
    assert batch is not None
    assert list(batch.charges()) == list(batch.charges()) == [keep_charged(build_line(b"c1", 1))]


def test_a_stretch_without_charges_has_none(tmp_path: Path) -> None:
    folder = write_segment(tmp_path, build_line(b"o1", 1) * 20_000)
    batch = folder.find_batch(0, 100_000_000)
    assert batch is not None
    assert not batch.has_charges()


def test_padding_and_a_torn_line_are_no_batch(tmp_path: Path) -> None:
    data = build_line(b"c1", 1)
    folder = write_segment(tmp_path, data + b'["c1","2' + bytes(300_000))
    batches = find_all(folder, 100)
    assert [(batch.start, batch.end) for batch in batches] == [(0, len(data))]


def test_a_segment_that_is_cut_while_it_is_drained_is_an_error(tmp_path: Path) -> None:
    folder = write_segment(tmp_path, build_line(b"c1", 1) + build_line(b"c1", 2))
    batch = folder.find_batch(0, 1_000)
    assert batch is not None
    os.truncate(batch.segment.path, len(build_line(b"c1", 1)))
    with pytest.raises(OSError, match="cut while it was drained"):
        list(batch.charges())
