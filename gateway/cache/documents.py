"""What other servers publish: read once for all, renewed beside the requests, kept while they are away."""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import msgspec

from gateway.clock import Clock

__all__ = ["Documents", "Freshness"]

T = TypeVar("T")

_NANOS = 1_000_000_000


class Freshness(msgspec.Struct, frozen=True, kw_only=True):
    """How long documents are used, in seconds.

    One older than `ttl` is renewed while it is still used; it is used for `stale` more while it cannot be
    renewed. After a failure nothing is asked for `pause`; between two renewals that were asked for because
    something was missing lie `renewal` at least.
    """

    ttl: float = 600.0
    stale: float = 3600.0
    pause: float = 5.0
    renewal: float = 10.0


class _Document(Generic[T]):
    __slots__ = ("asked_at", "error", "read_at", "task", "value")

    def __init__(self) -> None:
        self.value: T | None = None
        self.read_at = 0
        self.asked_at: int | None = None
        self.error: Exception | None = None
        self.task: asyncio.Task[None] | None = None


class Documents(Generic[T]):
    """Documents by address; `read` fetches one and says what it means.

    Everybody who waits for an address shares one call. Errors of the type `absent_on` leave a known document
    in use; any other error is a defect and is raised. Must be closed.
    """

    def __init__(
        self,
        read: Callable[[str], Awaitable[T]],
        clock: Clock,
        *,
        absent_on: type[Exception],
        capacity: int = 100,
    ) -> None:
        self._read = read
        self._clock = clock
        self._absent_on = absent_on
        self._capacity = capacity
        self._documents: dict[str, _Document[T]] = {}

    async def get(self, url: str, freshness: Freshness) -> T:
        """Return what is known, or read it; raises `absent_on` when it is neither known nor to be had."""
        document = self._entry(url)
        age = self._clock.monotonic_nanos() - document.read_at
        if document.value is not None and age < (freshness.ttl + freshness.stale) * _NANOS:
            if age >= freshness.ttl * _NANOS and self._may_ask(document, freshness.pause):
                self._start(url, document)
            return document.value
        document.value = None
        if document.task is None and not self._may_ask(document, freshness.pause):
            raise document.error or self._absent_on()
        await self._wait(url, document)
        if document.value is None:
            raise document.error or self._absent_on()
        return document.value

    async def renew(self, url: str, freshness: Freshness) -> T | None:
        """Read a document again because something is missing in it; None when it was read only just now.

        Returns the known one when it cannot be read now. Raises `absent_on` where none is known.
        """
        document = self._entry(url)
        if document.task is None and not self._may_ask(document, freshness.renewal):
            return None
        await self._wait(url, document)
        if document.value is None:
            raise document.error or self._absent_on()
        return document.value

    async def close(self) -> None:
        """Stop what is being read."""
        tasks = [entry.task for entry in self._documents.values() if entry.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _entry(self, url: str) -> _Document[T]:
        document = self._documents.get(url)
        if document is None:
            if len(self._documents) >= self._capacity:
                self._documents.clear()
            document = self._documents[url] = _Document()
        return document

    def _may_ask(self, document: _Document[T], pause: float) -> bool:
        if document.task is not None:
            return False
        asked = document.asked_at
        return asked is None or self._clock.monotonic_nanos() - asked >= pause * _NANOS

    async def _wait(self, url: str, document: _Document[T]) -> None:
        # A caller that gives up must not take the call away from those who still wait.
        await asyncio.shield(document.task or self._start(url, document))

    def _start(self, url: str, document: _Document[T]) -> asyncio.Task[None]:
        # An empty context: the call must not join a transaction that its first caller has open.
        task = asyncio.get_running_loop().create_task(
            self._renew(url, document), context=contextvars.Context()
        )
        document.task = task
        return task

    async def _renew(self, url: str, document: _Document[T]) -> None:
        try:
            document.value = await self._read(url)
            document.read_at = self._clock.monotonic_nanos()
            document.error = None
        except self._absent_on as error:
            document.error = error
        finally:
            document.asked_at = self._clock.monotonic_nanos()
            document.task = None
