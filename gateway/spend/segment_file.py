"""A segment that is written through a window of memory, so that a line costs no system call."""

import mmap
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from gateway.spend.disk import sync_data

__all__ = ["Put", "SegmentFile", "reserve"]

_POPULATE_WRITE = 23
"""MADV_POPULATE_WRITE, for which Python has no name."""
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC

Put = Callable[[bytes], int]
"""Appends bytes and returns how many; raises ValueError when the window has no room for them."""


class SegmentFile:
    """One file that grows by windows of zeros, which are mapped one at a time and filled with lines.

    What is stored in a shared mapping is in the kernel's page cache at once, as after `write()`: it survives
    the death of the process. Linux keeps track of the pages that were stored into, so `fdatasync` brings
    them to the disk without `msync` (msync(2): `MS_ASYNC` has been a no-op since 2.6.19 for that reason).

    The file is longer than what was written until `truncate`; readers take NUL bytes for its end. The zeros
    are written rather than left to the file system, because then it refuses (OSError) instead of killing the
    process at a store (SIGBUS) when it has no room, and because the pages are there, which makes the first
    stores into them cheaper than after `posix_fallocate`.

    One thread calls `make_room` and `unmap`; any thread may sync.
    """

    def __init__(
        self, path: Path, limit_bytes: int, window_bytes: int, reserve: Callable[[int, int, int], None]
    ) -> None:
        self.path = path
        self._limit = limit_bytes
        self._window_bytes = window_bytes
        self._reserve = reserve
        self._reserved = 0
        self._window: mmap.mmap | None = None
        self._file = os.open(path, _FLAGS, 0o600)

    def make_room(self, length: int, size: int) -> Put:
        """Return what appends bytes behind the first `length`, with room for `size` of them.

        It raises ValueError when the window is full; windows end at the limit, so that this tells also when
        the segment is. Raises OSError, and changes nothing, when the disk has no room.
        """
        window = self._window
        if window is None or len(window) - window.tell() < size:
            offset = length - length % mmap.ALLOCATIONGRANULARITY
            end = max(min(offset + self._window_bytes, self._limit), length + size)
            window = self._open_window(offset, end)
            window.seek(length - offset)
            self.unmap()
            self._window = window
        return window.write

    def unmap(self) -> None:
        """Close the window; nothing can be appended until there is another one."""
        if self._window is not None:
            self._window.close()
            self._window = None

    def sync(self) -> None:
        """Return when what was written before the call is on the disk; raises OSError."""
        sync_data(self._file)

    def truncate(self, length: int) -> None:
        """Cut off what was reserved and not written. No window may be open."""
        os.ftruncate(self._file, length)

    def close(self) -> None:
        """Close the window and the file."""
        self.unmap()
        os.close(self._file)

    def _open_window(self, offset: int, end: int) -> mmap.mmap:
        if end > self._reserved:
            self._reserve(self._file, self._reserved, end - self._reserved)
            self._reserved = end
        try:
            window = mmap.mmap(self._file, end - offset, access=mmap.ACCESS_WRITE, offset=offset)
        except ValueError as error:
            # What Python says when somebody has cut the file.
            raise OSError(str(error)) from error
        _map_pages(window)
        return window


def _map_pages(window: mmap.mmap) -> None:
    """Have all pages of a window mapped at once: one by one, as they are stored into, costs twice as much."""
    if sys.platform == "linux":
        # Before Linux 5.14 there is no such advice (madvise(2)).
        with suppress(OSError):
            window.madvise(_POPULATE_WRITE)


def reserve(file: int, offset: int, size: int) -> None:
    """Fill a part of a file with zeros; raises OSError when the disk has no room for them."""
    zeros = memoryview(bytes(size))
    while zeros:
        written = os.pwrite(file, zeros, offset)
        offset += written
        zeros = zeros[written:]
