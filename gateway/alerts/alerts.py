"""The queue between whoever notices something and the channels that tell it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from gateway.alerts.channels import Channel
from gateway.alerts.events import Alert, build_alert
from gateway.alerts.kinds import AlertType
from gateway.alerts.posting import PostRefused
from gateway.alerts.store import AlertStore
from gateway.clock import Clock
from gateway.domain import Limit, Principal
from gateway.errors import DatabaseUnavailable

__all__ = ["Alerts"]

_MOST_WAITING = 1_000
_MOST_REMEMBERED = 20_000
_NANOS = 1_000_000_000
_PAUSES = (1.0, 5.0, 25.0)
"""Seconds between the attempts of one channel."""


class Alerts:
    """A BudgetWatch that sends. Calling it puts the alert into a bounded queue, and does nothing else.

    What this worker has told of late is known without asking; else the database says whether any worker
    has. An alert that no channel could deliver is given back, so that the next occasion tells it.
    `dropped` counts what did not fit into the queue, `failed` what a channel gave up on.
    """

    def __init__(
        self,
        store: AlertStore,
        channels: Sequence[Channel],
        clock: Clock,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.sent = 0
        self.failed = 0
        self.dropped = 0
        self._store = store
        self._channels = tuple(channels)
        self._clock = clock
        self._pause = pause
        self._queue: asyncio.Queue[Alert] = asyncio.Queue(_MOST_WAITING)
        self._told: dict[tuple[str, str], int] = {}
        self._log = structlog.get_logger(__name__)

    @property
    def is_active(self) -> bool:
        """Whether there is any channel."""
        return bool(self._channels)

    def tells(self, *kinds: AlertType) -> bool:
        """Whether alerts of one of these kinds go anywhere."""
        return any(kind in channel.types for kind in kinds for channel in self._channels)

    def channels_named(self, name: str) -> tuple[Channel, ...]:
        """The channels of one kind: `slack`, `webhook`, `email`."""
        return tuple(channel for channel in self._channels if channel.name == name)

    def __call__(self, principal: Principal, limit: Limit, spent_nanos: int, /) -> None:
        """Learn that the spend of a budget has reached a mark."""
        alert = build_alert(principal, limit, spent_nanos)
        if alert is not None:
            self.tell(alert)

    def tell(self, alert: Alert) -> None:
        """Queue an alert, unless this worker has told it a short while ago, or the queue is full."""
        if not any(channel.takes(alert) for channel in self._channels):
            return
        key, now = (alert.event.event, alert.entity), self._clock.monotonic_nanos()
        told_at = self._told.get(key)
        if told_at is not None and now - told_at < alert.quiet_seconds * _NANOS:
            return
        try:
            self._queue.put_nowait(alert)
        except asyncio.QueueFull:
            self.dropped += 1
            if self.dropped == 1:
                self._log.warning("alerts_dropped", reason="more are waiting than can be sent")
            return
        if len(self._told) >= _MOST_REMEMBERED:
            self._told.clear()
        self._told[key] = now

    async def run(self) -> None:
        """Send what is queued until cancelled."""
        while True:
            alert = await self._queue.get()
            try:
                await self._deliver(alert)
            except Exception as error:  # noqa: BLE001  a job for the whole life of the worker must not end
                is_expected = isinstance(error, DatabaseUnavailable)
                self._give_up(alert, "database" if is_expected else "unknown", error)
                self._told.pop((alert.event.event, alert.entity), None)
            finally:
                self._queue.task_done()

    async def flush(self) -> None:
        """Return when everything queued so far was sent or given up; needs a running `run`."""
        await self._queue.join()

    async def close(self, seconds: float) -> None:
        """Wait so long for what is queued: an alert that was claimed and not sent is told by nobody."""
        try:
            async with asyncio.timeout(seconds):
                await self._queue.join()
        except TimeoutError:
            self._log.warning("alerts_left", count=self._queue.qsize())

    async def _deliver(self, alert: Alert) -> None:
        key = alert.event.event, alert.entity
        if not alert.is_own and not await self._store.claim(*key, alert.quiet_seconds):
            return
        channels = [channel for channel in self._channels if channel.takes(alert)]
        delivered = await asyncio.gather(*(self._send(channel, alert) for channel in channels))
        if any(delivered):
            self.sent += 1
            return
        self._told.pop(key, None)
        if not alert.is_own:
            await self._store.forget(*key)

    async def _send(self, channel: Channel, alert: Alert) -> bool:
        for pause in (*_PAUSES, None):
            try:
                await channel.send(alert)
            except (OSError, PostRefused) as error:
                if pause is None:
                    self._give_up(alert, channel.name, error)
                    return False
                await self._pause(pause)
            else:
                break
        return True

    def _give_up(self, alert: Alert, where: str, error: Exception) -> None:
        self.failed += 1
        # The receiver's address is a credential with Slack; errors of connections carry host and port only.
        reason = f"{type(error).__name__}: {error}"
        self._log.warning("alert_not_sent", channel=where, alert=alert.event.event, reason=reason)
