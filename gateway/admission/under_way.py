"""The admitted requests of this worker by their charge ids, so that an administrator can end one."""

import asyncio

from gateway.ids import charge_millis

__all__ = ["UnderWay"]


class UnderWay:
    """Tasks of requests; one per gateway, whose requests are all served by one loop."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: dict[str, asyncio.Task[object] | None] = {}
        self._released: set[str] = set()

    def begin(self, charge_id: str) -> None:
        """The task that calls this serves an admitted request from now on."""
        # To find out which loop runs is a system call before Python 3.12.
        loop = self._loop or self._begin()
        self._tasks[charge_id] = asyncio.current_task(loop)

    def _begin(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.get_running_loop()
        return self._loop

    def end(self, charge_id: str) -> None:
        """The request is settled or released."""
        self._tasks.pop(charge_id, None)
        if self._released:
            self._released.discard(charge_id)

    def list_before(self, millis: int) -> list[str]:
        """The charge ids of the requests that came before a time in milliseconds since 1970, oldest first."""
        # Requests stand in the order in which they were admitted, which is nearly that of their ids.
        found: list[str] = []
        for charge_id in self._tasks:
            if charge_millis(charge_id) >= millis:
                break
            found.append(charge_id)
        return found

    def release(self, charge_id: str) -> bool:
        """End a request: its task is cancelled. Says whether there was such a request."""
        task = self._tasks.get(charge_id)
        if task is None:
            return False
        if charge_id not in self._released:
            self._released.add(charge_id)
            task.cancel()
        return True

    def absorb(self, charge_id: str) -> bool:
        """Say whether the CancelledError that was just caught came from `release`, and then take it back."""
        task = self._tasks.get(charge_id)
        if task is None or charge_id not in self._released:
            return False
        # A cancellation from outside that came together with ours must win.
        return task.uncancel() == 0
