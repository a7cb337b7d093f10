"""What Redis has not been told yet: steps of requests that went on while it did not answer."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from gateway.admission.shared.hold import RemoteHold
from gateway.admission.shared.steps import RemotePart, Step

__all__ = ["Untold"]

_MOST = 20_000

Run = Callable[[Step, RemotePart], Awaitable[object]]


class Untold:
    """Steps in their order. Where they become too many they are dropped, and everything is counted anew.

    `has_overflowed` says that this is so.
    """

    def __init__(self) -> None:
        self.has_overflowed = False
        self._steps: deque[tuple[RemotePart, Step, RemoteHold | None]] = deque()
        self._turn = asyncio.Lock()

    def add(self, remote: RemotePart, step: Step, hold: RemoteHold | None = None) -> None:
        """Keep a step; with a `hold` it is the one that makes the hold known."""
        if len(self._steps) >= _MOST:
            self.has_overflowed = True
            self._steps.clear()
        self._steps.append((remote, step, hold))

    def clear(self) -> None:
        """Forget everything: it is counted anew."""
        self._steps.clear()
        self.has_overflowed = False

    async def tell(self, epoch: str, run: Run) -> None:
        """Run the steps of an epoch, and drop those of others. Raises what `run` raises, the rest kept.

        One caller at a time: a hold that is made known again after its end would be charged twice.
        """
        async with self._turn:
            while self._steps:
                await self._tell_first(epoch, run)

    async def _tell_first(self, epoch: str, run: Run) -> None:
        first = self._steps[0]
        remote, step, hold = first
        if remote.epoch == epoch:
            await run(step, remote)
            if hold is not None:
                hold.is_told = True
        # While that was awaited the steps may have been cleared.
        if self._steps and self._steps[0] is first:
            self._steps.popleft()
