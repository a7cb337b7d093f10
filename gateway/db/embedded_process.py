"""Starting, watching and ending the processes of the embedded PostgreSQL."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from gateway.db.embedded_account import Account
from gateway.errors import StartupError

__all__ = ["SERVER_SETTINGS", "initialise", "spawn", "stop", "watch_parent"]

_PR_SET_PDEATHSIG = 1

# One gateway on one machine: no replication, no parallel workers, little memory. Errors of statements go
# to the client, not to the log, where they would quote values.
SERVER_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_directories": ".",
    "unix_socket_permissions": "0700",
    "shared_buffers": "32MB",
    "io_method": "sync",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "max_wal_size": "256MB",
    "jit": "off",
    "timezone": "UTC",
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
}


def initialise(binaries: Path, folder: Path, account: Account | None, user: str) -> None:
    """Run `initdb` in the empty `folder`, whose superuser becomes `user`.

    Collation is PostgreSQL's own C.UTF-8, so that indexes outlive updates of the C library.
    `trust` lets in whoever can enter the folder, which is its owner alone (mode 0700).
    Raises StartupError with the end of initdb's output.
    """
    command = [
        str(binaries / "initdb"),
        f"--pgdata={_data_path(folder, account)}",
        f"--username={user}",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--no-instructions",
    ]
    ids = (None, None) if account is None else (account.initdb_uid, account.initdb_gid)
    result = subprocess.run(  # noqa: S603  the wheel's own binary with arguments of ours
        command,
        cwd=folder,
        env=_environment(),
        user=ids[0],
        group=ids[1],
        extra_groups=None if account is None else [],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
        umask=0o077,
    )
    if result.returncode != 0:
        raise StartupError(
            f"The embedded database could not be created: {_tail(result.stdout + result.stderr)}"
        )


def spawn(
    binaries: Path, folder: Path, account: Account | None, settings: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """Start `postgres` on `folder`; messages up to the start of its own log go to the file `log`.

    In a session of its own, so that Ctrl-C in a terminal reaches the gateway only, which then stops it.
    """
    command = [str(binaries / "postgres"), "-D", _data_path(folder, account)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    with log.open("wb") as output:
        return subprocess.Popen(  # noqa: S603  the wheel's own binary with arguments of ours
            command,
            cwd=folder,
            env=_environment(),
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
            extra_groups=None if account is None else [],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            umask=0o077,
            preexec_fn=_parent_death_signal(),  # noqa: PLW1509  two system calls, prepared before the fork
        )


def watch_parent(process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes] | None:
    """Make `process` end with this one where the kernel does not: a shell that waits for our pipe to close.

    None on Linux's main thread, where `spawn` has asked the kernel. The kernel's promise is tied to the
    *thread* that started the process, so that another thread needs the watcher there too.
    """
    if _kernel_watches():
        return None
    return subprocess.Popen(  # noqa: S603  fixed script, a number as its argument
        ["/bin/sh", "-c", 'read _; kill -INT "$0"', str(process.pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def stop(process: subprocess.Popen[bytes], timeout_seconds: float) -> None:
    """End `postgres`: fast, after `timeout_seconds` at once (recovered at the next start), then by force."""
    for number, patience in ((signal.SIGINT, timeout_seconds), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
        process.send_signal(number)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        return


def _data_path(folder: Path, account: Account | None) -> str:
    """Where the server finds its data: the working directory itself when it may not walk there."""
    return str(folder) if account is None else "/proc/self/cwd"


def _environment() -> dict[str, str]:
    """A fixed environment: PG* variables of the caller would redirect the server."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _kernel_watches() -> bool:
    return sys.platform.startswith("linux") and threading.current_thread() is threading.main_thread()


def _parent_death_signal() -> Callable[[], None] | None:
    """What the child does before it becomes `postgres`: ask Linux for SIGINT when the parent dies."""
    if not _kernel_watches():
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)  # The parent died before the request took effect.

    return ask


def _tail(text: str) -> str:
    return " | ".join(line.strip() for line in text.strip().splitlines()[-4:])
