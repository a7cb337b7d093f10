"""What plugins hold as long as a worker runs."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

__all__ = ["Closings"]

_Close = Callable[[], Awaitable[None]]


class Closings:
    """Implements `gateway.hooks.Closing`: everything in it is closed at once when the worker stops."""

    def __init__(self) -> None:
        self._closes: dict[_Close, None] = {}
        self._log = structlog.get_logger(__name__)

    def add(self, close: _Close) -> None:
        """Call this at the end."""
        self._closes[close] = None

    def discard(self, close: _Close) -> None:
        """It is closed already."""
        self._closes.pop(close, None)

    async def close(self, seconds: float) -> None:
        """Close everything; what takes longer than so many seconds is left."""
        closes, self._closes = list(self._closes), {}
        if not closes:
            return
        tasks = [asyncio.ensure_future(close()) for close in closes]
        done, pending = await asyncio.wait(tasks, timeout=seconds)
        failures = [task.exception() for task in done if not task.cancelled()]
        for failure in (*filter(None, failures), *(TimeoutError("not closed in time") for _ in pending)):
            self._log.warning("plugin_not_closed", reason=str(failure) or type(failure).__name__)
        for task in pending:
            task.cancel()
