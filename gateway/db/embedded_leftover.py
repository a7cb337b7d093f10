"""What a killed owner of the embedded PostgreSQL leaves behind: processes, and a pid file that may lie."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from gateway.errors import StartupError

__all__ = ["end_leftover"]

_LEFTOVER_SECONDS = 5.0


def end_leftover(folder: Path) -> None:
    """Clear what a killed owner left in `folder`; the caller holds the lock, so that no owner lives.

    Processes that still run there are given five seconds to finish their shutdown, then told to. Only when
    none is left the pid file goes: its number may by now belong to a stranger, and PostgreSQL would
    refuse to start. Raises StartupError if a process stays.
    """
    no_signal = 0
    for number in (no_signal, signal.SIGINT, signal.SIGQUIT):
        for pid in _find_servers(folder):
            _signal(pid, number)
        if _await_none(folder):
            (folder / "postmaster.pid").unlink(missing_ok=True)
            return
    pids = ", ".join(map(str, _find_servers(folder)))
    raise StartupError(f"PostgreSQL still uses '{folder}' (process {pids}). Stop it, then start again.")


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _await_none(folder: Path) -> bool:
    deadline = time.monotonic() + _LEFTOVER_SECONDS
    while _find_servers(folder):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _find_servers(folder: Path) -> list[int]:
    """The live `postgres` processes that run in `folder`, orphaned backends too; zombies are not."""
    if sys.platform.startswith("linux"):
        here = folder.stat()
        return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _is_server(entry, here)]
    pid = _read_pid(folder / "postmaster.pid")
    if pid is None:
        return []
    listing = subprocess.run(  # noqa: S603  a number as its argument
        ["/bin/ps", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, check=False, text=True
    )
    is_alive = str(folder) in listing.stdout and not listing.stdout.startswith("Z")
    return [pid] if is_alive else []


def _is_server(entry: Path, here: os.stat_result) -> bool:
    try:
        if (entry / "comm").read_text() != "postgres\n":
            return False
        where = (entry / "cwd").stat()
    except OSError:
        return False  # It has ended, is a zombie, or belongs to a user whose processes cannot be ours.
    return (where.st_dev, where.st_ino) == (here.st_dev, here.st_ino)


def _read_pid(file: Path) -> int | None:
    """The process id in the first line of a pid file, or None if there is none or it is cut short."""
    try:
        first = file.read_text(errors="replace").partition("\n")[0].strip()
    except FileNotFoundError:
        return None
    return int(first) if first.isdecimal() else None
