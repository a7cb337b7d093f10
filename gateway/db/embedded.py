"""A PostgreSQL 18 of our own in the data folder, for gateways that are given no database."""

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

import msgspec

from gateway.db.embedded_account import Account, choose_account, find_binaries, give_to
from gateway.db.embedded_folder import MAJOR, SocketPath, check_space, check_version, prepare_data_dir
from gateway.db.embedded_leftover import end_leftover
from gateway.db.embedded_probe import accepts_connections
from gateway.db.embedded_process import SERVER_SETTINGS, initialise, spawn, stop, watch_parent
from gateway.errors import StartupError

__all__ = ["EmbeddedPostgres"]

_USER = "gatewright"
_DATABASE = "postgres"
_RETRY_SECONDS = 5.0
_POLL_SECONDS = 0.01


class _Running(msgspec.Struct, frozen=True):
    """What the owner tells others: its process id, and the folder in which clients find the socket."""

    owner_pid: int
    socket_folder: str


class EmbeddedPostgres:
    """The server in `<data_dir>/pg18`: started by the first process, attached to by any other.

    The process that holds the lock `<data_dir>/pg18.lock` owns the server, and the server ends with it,
    also after `kill -9`. A second process gets the URL of the running server and leaves it alone.
    `settings` are further PostgreSQL settings; they win over ours. Start it in the main thread of the
    process that lives longest, which is the one that starts the workers.

    `start_timeout_seconds` also covers the recovery after a crash; `stop_timeout_seconds` is how long open
    statements may take to be rolled back before the server is stopped at once.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        settings: Mapping[str, str] | None = None,
        start_timeout_seconds: float = 120.0,
        stop_timeout_seconds: float = 30.0,
    ) -> None:
        self._data_dir = data_dir
        self._settings = {**SERVER_SETTINGS, **(settings or {})}
        self._start_timeout_seconds = start_timeout_seconds
        self._stop_timeout_seconds = stop_timeout_seconds
        self._lock: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None
        self._socket: SocketPath | None = None
        self._url: str | None = None

    @property
    def process_id(self) -> int | None:
        """The process id of the server if this object started it and will stop it, or None."""
        return None if self._process is None else self._process.pid

    @property
    def url(self) -> str:
        """The address of the running server. Raises StartupError before `start`."""
        if self._url is None:
            raise StartupError("The embedded database is not started.")
        return self._url

    def start(self) -> str:
        """Start the server, or attach to the one that runs; returns its URL when it answers queries.

        Raises ConfigError for a data folder that cannot be used (not writable, full, on a network file
        system, of another PostgreSQL major), StartupError when the server does not come up in time.
        """
        if self._url is not None:
            return self._url
        self._data_dir = prepare_data_dir(self._data_dir)
        deadline = time.monotonic() + self._start_timeout_seconds
        while True:
            if self._take_lock():
                return self._start_as_owner(deadline)
            if (url := self._find_running()) is not None:
                self._url = url
                return url
            if time.monotonic() > deadline:
                raise StartupError(
                    f"Another process holds '{self._lock_file}' but its database does not answer."
                )
            time.sleep(_POLL_SECONDS)

    def ensure_running(self) -> bool:
        """Start the owned server again if it has died; True if that was needed. Blocks for its recovery."""
        if self._process is None or self._process.poll() is None:
            return False
        self._launch(choose_account(self._folder), time.monotonic() + self._start_timeout_seconds)
        return True

    def stop(self) -> None:
        """Stop the server if this object owns it; open transactions are rolled back. Safe to call twice."""
        self._url = None
        if self._process is not None:
            self._info_file.unlink(missing_ok=True)
            stop(self._process, self._stop_timeout_seconds)
            self._process = None
        self._release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _folder(self) -> Path:
        return self._data_dir / f"pg{MAJOR}"

    @property
    def _lock_file(self) -> Path:
        return self._data_dir / f"pg{MAJOR}.lock"

    @property
    def _info_file(self) -> Path:
        return self._data_dir / f"pg{MAJOR}.json"

    @property
    def _log_file(self) -> Path:
        return self._data_dir / f"pg{MAJOR}.start.log"

    def _take_lock(self) -> bool:
        lock = self._lock_file.open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        self._lock = lock
        return True

    def _find_running(self) -> str | None:
        """The URL of the server that the holder of the lock has announced, if it answers."""
        try:
            running = msgspec.json.decode(self._info_file.read_bytes(), type=_Running)
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        folder = Path(running.socket_folder)
        return _build_url(folder) if accepts_connections(folder, user=_USER, database=_DATABASE) else None

    def _start_as_owner(self, deadline: float) -> str:
        try:
            account = choose_account(self._folder)
            if not self._folder.exists():
                self._create(account)
            check_version(self._folder)
            end_leftover(self._folder)
            self._socket = SocketPath(self._folder)
            self._launch(account, deadline)
            self._announce(self._socket.folder)
        except BaseException:
            self.stop()
            raise
        self._url = _build_url(self._socket.folder)
        return self._url

    def _create(self, account: Account | None) -> None:
        """Make the database in a folder of another name, so that a cut-off attempt is never used."""
        check_space(self._data_dir)
        draft = self._data_dir / f"pg{MAJOR}.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if account is not None:
            give_to(draft, account.initdb_uid, account.initdb_gid)
        initialise(find_binaries(account), draft, account, _USER)
        if account is not None:
            give_to(draft, account.uid, account.gid)
        draft.rename(self._folder)

    def _launch(self, account: Account | None, deadline: float) -> None:
        """Start the server and wait until it answers.

        A server that exits at once is tried again for five seconds: the socket lock of a server that was
        just killed, and not yet reaped, counts as alive.
        """
        retry_until = time.monotonic() + _RETRY_SECONDS
        binaries = find_binaries(account)
        while True:
            self._end_watcher()
            self._process = spawn(binaries, self._folder, account, self._settings, self._log_file)
            self._watcher = watch_parent(self._process)
            if self._becomes_ready(self._process, deadline):
                return
            if time.monotonic() > min(retry_until, deadline):
                raise self._failure()
            time.sleep(0.1)

    def _becomes_ready(self, process: subprocess.Popen[bytes], deadline: float) -> bool:
        """True when the server answers, False when it has exited or the time is up."""
        while process.poll() is None and time.monotonic() < deadline:
            if accepts_connections(self._folder_for_clients, user=_USER, database=_DATABASE):
                return True
            time.sleep(_POLL_SECONDS)
        return False

    @property
    def _folder_for_clients(self) -> Path:
        return self._folder if self._socket is None else self._socket.folder

    def _failure(self) -> StartupError:
        check_space(self._data_dir)
        lines = self._log_file.read_text(errors="replace").strip().splitlines()
        reason = " | ".join(lines[-4:]) or "it gave no reason"
        return StartupError(f"The embedded database in '{self._folder}' does not start: {reason}")

    def _announce(self, socket_folder: Path) -> None:
        draft = self._info_file.with_suffix(".json.new")
        draft.write_bytes(msgspec.json.encode(_Running(os.getpid(), str(socket_folder))))
        draft.chmod(0o600)
        draft.replace(self._info_file)

    def _release(self) -> None:
        self._end_watcher()
        if self._socket is not None:
            self._socket.remove()
            self._socket = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _end_watcher(self) -> None:
        if self._watcher is not None:
            self._watcher.kill()
            self._watcher.communicate()
            self._watcher = None


def _build_url(socket_folder: Path) -> str:
    """A URL that asyncpg, libpq and Prisma read alike: the socket's folder as the parameter `host`."""
    return f"postgresql://{_USER}@/{_DATABASE}?host={quote(str(socket_folder), safe='')}"
