"""What a worker does when it is told to stop: it says so, waits for its streams, then ends them."""

import asyncio
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from gateway.runtime import Gateway

__all__ = ["StopSignal"]


class StopSignal:
    """Hears SIGTERM and SIGINT before the server does, which tells the application only when all is over.

    From the signal on, readiness says no; after `drain_seconds` the streams that are still open end with an
    error event. `reload` is called on SIGHUP.
    """

    def __init__(self, gateway: Gateway, drain_seconds: float, reload: Callable[[], None]) -> None:
        self._gateway = gateway
        self._drain_seconds = drain_seconds
        self._reload = reload
        self._loop = asyncio.get_running_loop()
        self._previous: dict[int, Any] = {}
        self._mask: set[int] = set()

    def install(self) -> None:
        """Put our handlers before the server's; only the main thread may, elsewhere nothing happens."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._previous[number] = signal.getsignal(number)
            signal.signal(number, self._on_stop)
        if sys.platform != "win32":
            self._previous[signal.SIGHUP] = signal.getsignal(signal.SIGHUP)
            self._loop.add_signal_handler(signal.SIGHUP, self._reload)
            # Held by whoever started us: what came during the start comes now.
            self._mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})

    def remove(self) -> None:
        """Give the signals back."""
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        for number, handler in self._previous.items():
            signal.signal(number, handler or signal.SIG_DFL)

    def _on_stop(self, number: int, frame: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self._begin)
        previous = self._previous.get(number)
        if callable(previous):
            previous(number, frame)

    def _begin(self) -> None:
        self._gateway.begin_stop()
        self._loop.call_later(self._drain_seconds, self._gateway.end_streams)
