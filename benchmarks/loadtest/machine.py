"""The machine: cores, and what processes use of them; Linux tells more than other systems."""

import os
import platform
import socket
from collections.abc import Iterable
from pathlib import Path

import msgspec

__all__ = [
    "Cores",
    "Memory",
    "choose_cores",
    "cpu_seconds",
    "descendants",
    "describe_machine",
    "free_port",
    "memory_bytes",
    "pin",
]

_PROC = Path("/proc")
_HAS_PROC = (_PROC / "self" / "stat").exists()


class Cores(msgspec.Struct, frozen=True):
    """Where the measured worker runs, and where everything else does; empty sets pin nothing."""

    subject: frozenset[int]
    rest: frozenset[int]


class Memory(msgspec.Struct, frozen=True):
    """Bytes: `resident` counts a page that processes share for each of them, `shared_out` once in all."""

    resident: int
    shared_out: int


def choose_cores() -> Cores:
    """The first core that this process may use for the subject; nothing is pinned where there is only one."""
    if not hasattr(os, "sched_getaffinity"):
        return Cores(frozenset(), frozenset())
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) == 1:
        return Cores(frozenset(), frozenset())
    return Cores(frozenset(usable[:1]), frozenset(usable[1:]))


def pin(process_ids: Iterable[int], cores: frozenset[int]) -> None:
    """Bind processes with all threads that they have; later threads inherit it."""
    if not cores:
        return
    for process_id in process_ids:
        for thread in (_PROC / str(process_id) / "task").iterdir():
            os.sched_setaffinity(int(thread.name), cores)


def cpu_seconds(process_ids: Iterable[int]) -> float:
    """User and system time so far, all threads; NaN where the system does not tell."""
    if not _HAS_PROC:
        return float("nan")
    ticks = 0
    for process_id in process_ids:
        # The name in parentheses may hold spaces; utime and stime are the 12th and 13th field after it.
        fields = (_PROC / str(process_id) / "stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_bytes(process_ids: Iterable[int]) -> Memory:
    """The memory of processes together; zeros where the system does not tell."""
    if not _HAS_PROC:
        return Memory(0, 0)
    ids = list(process_ids)
    pages = sum(int((_PROC / str(each) / "statm").read_text().split()[1]) for each in ids)
    return Memory(pages * os.sysconf("SC_PAGESIZE"), sum(_share_of(each) for each in ids))


def _share_of(process_id: int) -> int:
    for line in (_PROC / str(process_id) / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def descendants(process_id: int) -> dict[int, str]:
    """Every process below this one and its command line."""
    parents: dict[int, int] = {}
    for entry in _PROC.glob("[0-9]*") if _HAS_PROC else ():
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    found: dict[int, str] = {}
    pending = [process_id]
    while pending:
        parent = pending.pop()
        children = [child for child, its_parent in parents.items() if its_parent == parent]
        pending += children
        found |= {child: _command(child) for child in children}
    return found


def _command(process_id: int) -> str:
    try:
        raw = (_PROC / str(process_id) / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return raw.replace(b"\0", b" ").decode(errors="replace").strip()


def describe_machine() -> str:
    """Processor, cores, system and Python, in one line."""
    model = platform.processor() or platform.machine()
    if (_PROC / "cpuinfo").exists():
        for line in (_PROC / "cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    load = f", load average {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"{platform.python_implementation()} {platform.python_version()}{load}"
    )


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
