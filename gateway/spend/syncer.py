"""Brings a growing file to the disk in groups, in a thread, so that the event loop never waits for it."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

from gateway.spend.segment_file import SegmentFile

__all__ = ["Syncer"]


class Syncer:
    """Every `interval_seconds`, asks up to where has been written, and syncs when there is something new.

    It asks, so that writing need not tell. One thread writes and calls `use`; any thread may call `sync`.
    While the disk refuses, `error` says so and every interval tries again; `on_error` is told once, in the
    syncing thread.
    """

    def __init__(
        self,
        folder: Path,
        interval_seconds: float,
        written: Callable[[], int],
        on_error: Callable[[OSError], None],
    ) -> None:
        self.synced_position = 0
        self.error: OSError | None = None
        self._folder = folder
        self._interval_seconds = interval_seconds
        self._written = written
        self._on_error = on_error
        self._file: SegmentFile | None = None
        self._named: SegmentFile | None = None
        self._replaced: list[tuple[SegmentFile, int]] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal-sync", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def use(self, file: SegmentFile, replaced: SegmentFile | None, length: int) -> None:
        """Sync another file from now on, before its first position can be asked for.

        The one that it replaces, without a window, is cut to its length, synced once more and closed here.
        """
        if replaced is not None:
            self._replaced.append((replaced, length))
        self._file = file

    def sync(self) -> None:
        """Return when everything written so far is on the disk; raises OSError."""
        with self._lock:
            try:
                self._sync()
            except OSError as error:
                if self.error is None:
                    self._on_error(error)
                self.error = error
                raise
            self.error = None

    def close(self) -> None:
        """Sync a last time and end the thread; raises OSError when the disk refuses."""
        self._closing.set()
        self._thread.join()
        self.sync()

    def _sync(self) -> None:
        # The position is read before the files: what is written in between is only synced too early.
        position, file = self._written(), self._file
        replaced = self._replaced[:]
        for old, length in replaced:
            old.truncate(length)
            old.sync()
        if file is not None:
            file.sync()
        if file is not self._named:
            _sync_folder(self._folder)
            self._named = file
        for entry in replaced:
            self._replaced.remove(entry)
            entry[0].close()
        self.synced_position = max(self.synced_position, position)

    def _run(self) -> None:
        while not self._closing.wait(self._interval_seconds):
            if self.error is None and self._written() == self.synced_position:
                continue
            try:
                self.sync()
            except OSError:
                # Told by `error`; the next interval tries again.
                continue


def _sync_folder(path: Path) -> None:
    """Make the name of a new file survive a power cut."""
    folder = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
