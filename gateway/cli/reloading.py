"""SIGHUP in the supervising process: it is passed on to the workers, which read the configuration anew."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable

__all__ = ["forward_reloads", "hold_reloads"]


@contextlib.contextmanager
def hold_reloads() -> Generator[None]:
    """Keep SIGHUP waiting during the block, here and in the processes that are started in it.

    Whoever has no handler yet would end by it. A worker lets it in when it serves (`gateway.http.stopping`).
    """
    if sys.platform == "win32":
        yield
        return
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def forward_reloads(list_workers: Callable[[], Iterable[int | None]]) -> None:
    """Pass each SIGHUP on, from a thread of its own: a worker replaces what it can while it serves.

    Call it within `hold_reloads`. The server's own answer to the signal would be to start new workers.
    """
    if sys.platform != "win32":
        threading.Thread(target=_forward, args=(list_workers,), name="reloads", daemon=True).start()


def _forward(list_workers: Callable[[], Iterable[int | None]]) -> None:
    while True:
        signal.sigwait({signal.SIGHUP})
        for pid in list_workers():
            if pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGHUP)
