"""The files of a journal: their names, locks and lines."""

import errno
import fcntl
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import msgspec

from gateway.spend.records import CHARGED_PREFIX

__all__ = [
    "Batch",
    "JournalFolder",
    "Lines",
    "Segment",
    "find_whole_length",
    "keep_charged",
    "lock_root",
    "read_segment",
    "segment_path",
]

_SUFFIX = ".segment"
_LOCK = "lock"
# Below the size from which the allocator asks the system for fresh memory each time.
_PIECE_BYTES = 120 * 1024
_TAIL_BYTES = 4096


class Segment(msgspec.Struct, frozen=True):
    """One file; `start` is the journal position of its first byte."""

    start: int
    path: Path


class Lines(msgspec.Struct, frozen=True):
    """Some whole lines, each with its newline, and how many they are."""

    count: int
    data: bytes


class Batch(msgspec.Struct, frozen=True):
    """The whole lines of a segment between two positions of its journal, read when they are asked for."""

    segment: Segment
    start: int
    end: int

    def charges(self) -> Iterator[Lines]:
        """The `charged` lines, many at a time; again for each call.

        The pieces are small enough to stay in the processor's cache and in memory that is used again; one
        copy of it all costs several times as much. Raises OSError.
        """
        with _reading(self.segment.path) as file:
            offset, end, size = self.start - self.segment.start, self.end - self.segment.start, _PIECE_BYTES
            while offset < end:
                size = min(size, end - offset)
                data = _read_fully(file, offset, size)
                if len(data) < size:
                    raise OSError(errno.EIO, "A segment has been cut while it was drained", self.segment.path)
                whole = data.rfind(b"\n") + 1
                if not whole:
                    size *= 2
                    continue
                offset += whole
                size = _PIECE_BYTES
                charged = keep_charged(data[:whole])
                if charged.count:
                    yield charged

    def has_charges(self) -> bool:
        """Whether there is anything to book."""
        return next(self.charges(), None) is not None


def segment_path(folder: Path, start: int) -> Path:
    """The file whose first byte has the journal position `start`."""
    return folder / f"{start:020d}{_SUFFIX}"


def keep_charged(data: bytes) -> Lines:
    """Leave out all lines but `charged` ones, without decoding any; each has its newline."""
    # A third of what `split` takes, which looks at every byte by itself.
    lines = [line for line in BytesIO(_end_lines_at_holes(data)) if line.startswith(CHARGED_PREFIX)]
    return Lines(len(lines), b"".join(lines))


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

    def find_batch(self, position: int, size_bytes: int) -> Batch | None:
        """Whole lines of one segment from a position on, about `size_bytes` of them; None at the end.

        A position before the oldest segment goes on there: what was deleted had been drained.
        """
        for segment in self.segments():
            start = max(position, segment.start)
            offset = start - segment.start
            if whole := _measure_lines(segment.path, offset, size_bytes):
                return Batch(segment, start, start + whole)
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
    hole that ends where a line begins, the line is whole; nowhere else is a quote behind a bracket. In front
    of a hole a line may be whole as well: the first byte of the hole, where its newline was, belongs to it.
    """
    end = data.rfind(b"\n") + 1
    while end:
        start = data.rfind(b"\n", 0, end - 1) + 1
        before, hole, rest = data[start:end].rpartition(b"\0")
        if rest.startswith(b'["'):
            break
        kept = before.rstrip(b"\0")
        if hole and _is_whole(kept.rpartition(b"\0")[2]):
            return start + len(kept) + 1
        end = start
    return end


def _is_whole(line: bytes) -> bool:
    try:
        msgspec.json.decode(line, type=list[msgspec.Raw])
    except msgspec.DecodeError:
        return False
    return True


def _measure_lines(path: Path, offset: int, size: int) -> int:
    """How many of about `size` bytes from an offset on are whole lines; 0 when no line ends behind it."""
    with _reading(path) as file:
        length = os.fstat(file).st_size
        while size:
            end = min(offset + size, length)
            while end > offset:
                start = max(offset, end - _TAIL_BYTES)
                if whole := _read_fully(file, start, end - start).rfind(b"\n") + 1:
                    return start + whole - offset
                end = start
            if offset + size >= length:
                break
            size *= 2
    return 0


@contextmanager
def _reading(path: Path) -> Generator[int]:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield file
    finally:
        os.close(file)


def _read_fully(file: int, offset: int, size: int) -> bytes:
    parts: list[bytes] = []
    while size and (part := os.pread(file, size, offset)):
        parts.append(part)
        offset += len(part)
        size -= len(part)
    return b"".join(parts)
