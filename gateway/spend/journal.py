"""The append-only file of one worker in which every admitted request stands before anything else happens."""

import errno
from asyncio import to_thread
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec
import structlog

from gateway.clock import Clock
from gateway.domain import Scope
from gateway.errors import ServiceUnavailable
from gateway.ids import new_charge_id
from gateway.spend.records import OpenedRecord, SegmentHead, encode_line
from gateway.spend.segment_file import Put, SegmentFile, reserve
from gateway.spend.segments import Batch, JournalFolder, Segment, lock_root, segment_path
from gateway.spend.syncer import Syncer
from gateway.spend.undrained import Undrained

__all__ = ["Journal", "JournalOptions"]


_LONG_LINE_BYTES = 4_096
"""What must have room before the disk counts as one that takes lines again."""


class JournalOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How large a segment grows, how often it reaches the disk, and how much one drain moves.

    `window_bytes` is how much of a segment is reserved and mapped at a time, in whole pages.
    """

    segment_bytes: int = 64 * 1024 * 1024
    window_bytes: int = 256 * 1024
    sync_seconds: float = 0.05
    batch_bytes: int = 4 * 1024 * 1024


class Journal:
    """The live journal of one worker: `<root>/<worker id>-<uuid7>/<start>.segment`.

    A position is a byte offset over all segments of the journal. A record is stored into a mapped part of
    its file: it survives the death of the process at once, a power cut after at most `sync_seconds`. At the
    head of a new segment stand the `opened` records that are still open, so that no segment is needed to
    understand a later one.

    When the disk refuses, `append_opened` raises ServiceUnavailable and `is_healthy` turns False, while
    charges wait in memory and are written first once the disk takes them again. It is asked for room in
    windows, with `reserve_room`; what fits into the last one is still taken.
    """

    def __init__(
        self,
        root: Path,
        worker_id: str,
        clock: Clock,
        options: JournalOptions | None = None,
        reserve_room: Callable[[int, int, int], None] = reserve,
    ) -> None:
        self.name = f"{worker_id}-{new_charge_id()}"
        self.position = 0
        self._options = options or JournalOptions()
        self.undrained = Undrained(clock, self._options.batch_bytes)
        self._root = root
        self._folder = JournalFolder(root / self.name)
        self._open_file = partial(
            SegmentFile,
            limit_bytes=self._options.segment_bytes,
            window_bytes=self._options.window_bytes,
            reserve=reserve_room,
        )
        self._segments: deque[Segment] = deque()
        self._open: dict[str, bytes] = {}
        self._waiting: deque[tuple[str, bytes, Sequence[Scope], int]] = deque()
        self._file: SegmentFile | None = None
        self._put = _has_no_room
        self._head_end = 0
        self._write_error: OSError | None = None
        self._syncer = Syncer(
            self._folder.path, self._options.sync_seconds, lambda: self.position, self._report
        )
        self._log = structlog.get_logger(__name__)

    @property
    def last_error(self) -> OSError | None:
        """Why the disk refuses records at the moment, or None."""
        return self._write_error or self._syncer.error

    @property
    def is_healthy(self) -> bool:
        """Whether requests can be recorded; while they cannot, none is admitted."""
        return self.last_error is None

    @property
    def open_count(self) -> int:
        """Admitted requests that are not charged yet."""
        return len(self._open)

    @property
    def open_lines(self) -> tuple[bytes, ...]:
        """The `opened` lines of those requests, oldest first."""
        return tuple(self._open.values())

    def open(self) -> None:
        """Make the folder (0700) and the first segment (0600), take the lock, start the sync thread.

        Raises OSError when the folder cannot be written or synced.
        """
        with lock_root(self._root):
            self._folder.path.mkdir(mode=0o700)
            self._folder.claim()
        self._file = self._rotate()
        self._syncer.sync()
        self._syncer.start()

    def close(self) -> None:
        """Bring everything to the disk and give the lock back; the next start drains what is left."""
        if self._file is None:
            return
        self._write_waiting()
        self._put = _has_no_room
        self._syncer.close()
        self._file.unmap()
        self._file.truncate(self.position - self._segments[-1].start)
        self._file.close()
        self._file = None
        self._folder.release()

    def append_opened(self, record: OpenedRecord) -> None:
        """Write down that a request was admitted; see `append_opened_line`."""
        self.append_opened_line(record.charge_id, encode_line(record))

    def append_opened_line(self, charge_id: str, line: bytes) -> None:
        """Write down that a request was admitted, by the line of its record.

        Raises ServiceUnavailable when the disk refuses: a request that cannot be booked is not served.
        """
        if self._syncer.error is not None:
            raise _refusal() from self._syncer.error
        put = self._put
        try:
            self.position += put(line)
        except ValueError:
            try:
                self._write(line)
            except OSError as error:
                self._note_failure(error)
                raise _refusal() from error
        self._open[charge_id] = line

    def append_charged_line(
        self, charge_id: str, line: bytes, scopes: Sequence[Scope], cost_nanos: int
    ) -> None:
        """Write down what a request cost, by the line of its record, and count it for each of its scopes.

        Never raises for the disk: the line waits in memory until it is taken.
        """
        put = self._put
        try:
            self.position += put(line)
        except ValueError:
            try:
                self._write(line)
            except OSError as error:
                self._note_failure(error)
                self._waiting.append((charge_id, line, scopes, cost_nanos))
                return
        self.undrained.add(self.position, scopes, cost_nanos)
        self._open.pop(charge_id, None)

    def settled_after(self, scope: Scope, position: int) -> int:
        """Nano-dollars charged to a scope behind a position; see `Undrained.settled_after`."""
        return self.undrained.settled_after(scope, position)

    async def sync(self) -> None:
        """Return once everything written so far would survive a power cut. Raises OSError."""
        await to_thread(self._syncer.sync)

    async def next_batch(self, position: int) -> Batch | None:
        """The next lines to drain after `position`, already safe on the disk; None when there are none.

        The database must never be ahead of the disk, or a power cut would leave requests that look open
        and are charged already.
        """
        # A balancer that keeps requests away would otherwise keep the journal from finding out.
        if self._waiting or self._write_error is not None:
            self._try_waiting()
        if position >= self.position:
            return None
        end = self.undrained.find_end(position)
        if end is None:
            end = self.position
            self.undrained.seal(end)
        if self._syncer.synced_position < end:
            await self.sync()
        return self._folder.find_batch(position, end - position)

    async def mark_drained(self, position: int) -> None:
        """Note that the database has everything before `position`, and delete segments that nobody needs."""
        self.undrained.mark_drained(position)
        done: list[Path] = []
        while len(self._segments) > 1 and self._segments[1].start <= min(
            position, self._syncer.synced_position
        ):
            done.append(self._segments.popleft().path)
        if done:
            await to_thread(_unlink, done)

    def _write(self, line: bytes) -> None:
        """Append one line whole, or nothing, behind the charges that wait; raises OSError."""
        if self._waiting:
            self._write_waiting()
        self._append(line)
        self._write_error = None

    def _append(self, line: bytes) -> None:
        """Append one line for which the window may have no room; until that is done, nothing else has any."""
        put = self._make_room(len(line))
        self.position += put(line)
        self._put = put

    def _make_room(self, size: int) -> Put:
        """Return what appends so many bytes; raises OSError, and then nothing has room any more."""
        self._put = _has_no_room
        if self._file is None:
            raise OSError(errno.EBADF, "The journal is closed")
        length = self.position - self._segments[-1].start
        if length + size > self._options.segment_bytes and self.position > self._head_end:
            self._file = self._rotate(self._file)
            length = self.position - self._segments[-1].start
        return self._file.make_room(length, size)

    def _rotate(self, replaced: SegmentFile | None = None) -> SegmentFile:
        """Begin a segment with what is still open; the old one stays until drained, and this one synced."""
        start = self.position
        path = segment_path(self._folder.path, start)
        head = msgspec.json.encode(SegmentHead(len(self._open))) + b"\n" + b"".join(self._open.values())
        file = self._open_file(path)
        try:
            file.make_room(0, len(head))(head)
        except OSError:
            file.close()
            path.unlink()
            raise
        self.undrained.seal(start)
        if replaced is not None:
            replaced.unmap()
        self._syncer.use(file, replaced, start - self._segments[-1].start if replaced else 0)
        self._segments.append(Segment(start, path))
        self.position = self._head_end = start + len(head)
        return file

    def _try_waiting(self) -> None:
        try:
            self._write_waiting()
        except OSError as error:
            self._note_failure(error)

    def _write_waiting(self) -> None:
        """Write the charges that the disk refused before, or look for room; raises OSError when refused."""
        while self._waiting:
            charge_id, line, scopes, nanos = self._waiting[0]
            self._append(line)
            self._waiting.popleft()
            self.undrained.add(self.position, scopes, nanos)
            self._open.pop(charge_id, None)
        if self._write_error is not None:
            self._put = self._make_room(_LONG_LINE_BYTES)
        self._write_error = None

    def _note_failure(self, error: OSError) -> None:
        if self._write_error is None:
            self._report(error)
        self._write_error = error

    def _report(self, error: OSError) -> None:
        self._log.error("journal_write_failed", journal=self.name, error=str(error))


def _refusal() -> ServiceUnavailable:
    return ServiceUnavailable(
        "The gateway cannot record requests at the moment. Try again later.",
        headers={"retry-after": "5"},
    )


def _has_no_room(line: bytes) -> int:
    """What appends a line while there is no window, or none may be used."""
    raise ValueError(len(line))


def _unlink(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
