"""The files of a journal: their names, locks and lines."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec

__all__ = [
    "Batch",
    "JournalFolder",
    "Segment",
    "charged_lines",
    "find_whole_length",
    "lock_root",
    "read_segment",
    "segment_path",
]

_SUFFIX = ".segment"
_LOCK = "lock"


class Segment(msgspec.Struct, frozen=True):
    """One file; `start` is the journal position of its first byte."""

    start: int
    path: Path


class Batch(msgspec.Struct, frozen=True):
    """The whole lines of a journal between two positions."""

    start: int
    end: int
    data: bytes


def segment_path(folder: Path, start: int) -> Path:
    """The file whose first byte has the journal position `start`."""
    return folder / f"{start:020d}{_SUFFIX}"


def charged_lines(data: bytes, prefix: bytes) -> list[bytes]:
    """The lines that begin with `prefix`, without their newlines and without decoding them."""
    return [line for line in data.split(b"\n") if line.startswith(prefix)]


@contextmanager
def lock_root(root: Path) -> Generator[None]:
    """Hold the lock under which journals are made and claimed; others hold it for microseconds."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (root / _LOCK).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class JournalFolder:
    """A folder with the segments of one journal, and the lock of the process that writes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self._lock: int | None = None

    def claim(self) -> bool:
        """Take the journal's lock if nobody has it: True means that its writer is dead, or it is ours."""
        lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        self._lock = lock
        return True

    def release(self) -> None:
        """Give the lock back; safe to call twice."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def segments(self) -> list[Segment]:
        """The segments, oldest first."""
        found = self.path.glob(f"*{_SUFFIX}")
        return sorted((Segment(int(path.stem), path) for path in found), key=lambda segment: segment.start)

    def read_lines(self, position: int, size_bytes: int) -> Batch | None:
        """Whole lines of one segment from a position on, about `size_bytes` of them; None at the end.

        A position before the oldest segment goes on there: what was deleted had been drained.
        """
        for segment in self.segments():
            start = max(position, segment.start)
            size = size_bytes
            while data := _read_at(segment.path, start - segment.start, size):
                if whole := data.rfind(b"\n") + 1:
                    return Batch(start, start + whole, _end_lines_at_holes(data[:whole]))
                if len(data) < size:
                    break
                size *= 2
        return None


def read_segment(segment: Segment) -> list[bytes]:
    """The lines of a segment, without what is reserved behind them; the last one may be torn."""
    return _end_lines_at_holes(segment.path.read_bytes().rstrip(b"\0")).split(b"\n")


def _end_lines_at_holes(data: bytes) -> bytes:
    """Make line ends of NUL bytes, which stand where a power cut kept a part from the disk.

    A line itself has none. So what is whole before and behind the hole is read, and the torn ends of it are
    neither JSON nor CSV.
    """
    return data.replace(b"\0", b"\n")


def find_whole_length(data: bytes) -> int:
    """Where the last line ends of which no part is missing, in a segment whose writer is dead.

    A process that is killed while it stores a line may leave its last byte and not all before it. Behind a
    hole that ends where a line begins, the line is whole; nowhere else is a quote behind a bracket.
    """
    end = data.rfind(b"\n") + 1
    while end:
        start = data.rfind(b"\n", 0, end - 1) + 1
        if data[start:end].rpartition(b"\0")[2].startswith(b'["'):
            break
        end = start
    return end


def _read_at(path: Path, offset: int, size: int) -> bytes:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _read_fully(file, offset, size)
    finally:
        os.close(file)


def _read_fully(file: int, offset: int, size: int) -> bytes:
    parts: list[bytes] = []
    while size and (part := os.pread(file, size, offset)):
        parts.append(part)
        offset += len(part)
        size -= len(part)
    return b"".join(parts)
