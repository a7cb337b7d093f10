"""Brings a growing file to the disk in groups, in a thread, so that the event loop never waits for it."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

__all__ = ["Syncer"]


class Syncer:
    """Calls `fdatasync` at most once per `interval_seconds` while there is something new.

    One thread writes and calls `note_write` and `use`; any thread may call `sync`. While the disk refuses,
    `error` says so and every group tries again; `on_error` is told once, in the syncing thread.
    """

    def __init__(self, folder: Path, interval_seconds: float, on_error: Callable[[OSError], None]) -> None:
        self.synced_position = 0
        self.error: OSError | None = None
        self._folder = folder
        self._interval_seconds = interval_seconds
        self._on_error = on_error
        self._written = 0
        self._file = -1
        self._synced_file = -1
        self._replaced: list[int] = []
        self._lock = threading.Lock()
        self._has_news = threading.Event()
        self._is_told = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal-sync", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def note_write(self, position: int) -> None:
        """Everything before `position` has been written."""
        self._written = position
        # A plain flag: asking the event is a call, twice per request.
        if not self._is_told:
            self._is_told = True
            self._has_news.set()

    def use(self, file: int, position: int) -> None:
        """Writing goes on in another file; the one before is synced once more and closed here."""
        if self._file >= 0:
            self._replaced.append(self._file)
            self._synced_file = -1
        self._file = file
        self.note_write(position)

    def sync(self) -> None:
        """Return when everything noted so far is on the disk; raises OSError."""
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
        self._has_news.set()
        self._thread.join()
        self.sync()

    def _sync(self) -> None:
        # Positions are read before files: what is written in between is only synced too early.
        position, file = self._written, self._file
        replaced = self._replaced[:]
        for old in replaced:
            os.fdatasync(old)
        os.fdatasync(file)
        if file != self._synced_file:
            _sync_folder(self._folder)
            self._synced_file = file
        for old in replaced:
            self._replaced.remove(old)
            os.close(old)
        self.synced_position = max(self.synced_position, position)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._has_news.wait()
            self._has_news.clear()
            # After the event, so that no news can stay untold; what came in between is synced below.
            self._is_told = False
            try:
                self.sync()
            except OSError:
                self._has_news.set()
            self._closing.wait(self._interval_seconds)


def _sync_folder(path: Path) -> None:
    """Make the name of a new file survive a power cut."""
    folder = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
