"""Calls scripts in Redis within a deadline, and stops calling one that does not answer."""

import asyncio
import hashlib
from collections.abc import Awaitable, Sequence
from typing import Any, cast

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoScriptError, RedisClusterException, RedisError

from gateway.clock import Clock
from gateway.errors import ConfigError

__all__ = ["RedisLink", "RedisUnavailableError", "Script"]

_CONNECT_SECONDS = 2.0
_FAILURES = 3
"""Calls in a row that fail before no more are made for a while."""
_OPEN_NANOS = 500_000_000
_MOST_CONNECTIONS = 64
_MOST_WAITS = 5
_LATE = 0.1
"""A deadline that is noticed so much of it too late has found the loop busy, not Redis."""
# AttributeError: the cluster's client writes to connections that it has just taken apart.
_FAILED = (RedisError, RedisClusterException, OSError, TimeoutError, AttributeError)

Argument = str | bytes | int


class RedisUnavailableError(Exception):
    """Redis did not answer in time, or cannot be reached; whether it did what it was asked is unknown."""


class Script:
    """A Lua script and the name by which Redis keeps it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class RedisLink:
    """One Redis, standalone or cluster. `round_trips` counts the calls that were made.

    After three failures in a row calls fail at once for half a second, then one is tried.
    """

    def __init__(self, url: str, clock: Clock, *, deadline_seconds: float = 0.05) -> None:
        self.round_trips = 0
        self._url = url
        self._clock = clock
        self._deadline_seconds = deadline_seconds
        self._client: Any = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._failures = 0
        self._closed_until = 0

    @property
    def is_trusted(self) -> bool:
        """Whether the last calls were answered."""
        return self._failures < _FAILURES

    @property
    def is_open(self) -> bool:
        """Whether the server was reached once."""
        return self._client is not None

    async def open(self) -> None:
        """Connect, and find out whether this is a cluster.

        Raises RedisUnavailableError, and ConfigError for an address or a credential that is refused.
        """
        options: dict[str, Any] = {
            "socket_connect_timeout": _CONNECT_SECONDS,
            "max_connections": _MOST_CONNECTIONS,
            "retry": Retry(NoBackoff(), 0),
        }
        try:
            client: Any = cast("Any", Redis).from_url(self._url, **options)  # untyped in redis
        except ValueError as error:
            raise ConfigError(f"This is no address of a Redis: {error}", path="REDIS_URL") from None
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                info: dict[str, object] = await client.info("cluster")
            if info.get("cluster_enabled"):
                await client.aclose()
                client = RedisCluster.from_url(self._url, **options)
                async with asyncio.timeout(_CONNECT_SECONDS):
                    await client.initialize()
        except AuthenticationError as error:
            await client.aclose()
            raise ConfigError(f"Redis refuses this user or password: {error}", path="REDIS_URL") from None
        except _FAILED as error:
            await client.aclose()
            raise RedisUnavailableError(f"{type(error).__name__}: {error}") from error
        self._client = client

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.aclose()

    async def call(
        self,
        script: Script,
        keys: Sequence[str | bytes],
        arguments: Sequence[Argument],
        *,
        seconds: float | None = None,
    ) -> Any:
        """Run a script.

        `seconds` is a deadline other than the usual one, of a call that is made even while others are not.
        Raises RedisUnavailableError.
        """
        now = self._clock.monotonic_nanos()
        is_left_alone = seconds is None and self._failures >= _FAILURES and now < self._closed_until
        if self._client is None or is_left_alone:
            raise RedisUnavailableError("Redis is not asked at the moment")
        self._closed_until = now + _OPEN_NANOS
        # In a task of its own: the client does not always let a cancellation of its caller through.
        task = asyncio.get_running_loop().create_task(self._run(script, keys, arguments))
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        await self._wait(task, seconds or self._deadline_seconds)
        try:
            if not task.done():
                task.cancel()
                raise TimeoutError("Redis did not answer in time")
            answer = task.result()
        except _FAILED as error:
            self._failures += 1
            raise RedisUnavailableError(f"{type(error).__name__}: {error}") from error
        self._failures = 0
        return answer

    async def _wait(self, task: "asyncio.Task[Any]", seconds: float) -> None:
        """Wait so long for Redis; time in which this loop did not come round is not held against it."""
        deadline, allowed = self._clock.monotonic_nanos(), int(seconds * 1e9)
        for _ in range(_MOST_WAITS):
            deadline += allowed
            await asyncio.wait((task,), timeout=seconds)
            if task.done() or self._clock.monotonic_nanos() - deadline < allowed * _LATE:
                return
            deadline = self._clock.monotonic_nanos()

    def _forget(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Looked at: nobody may be left who asks for it.
            task.exception()

    async def _run(self, script: Script, keys: Sequence[str | bytes], arguments: Sequence[Argument]) -> Any:
        self.round_trips += 1
        try:
            return await self._execute("EVALSHA", script.digest, len(keys), *keys, *arguments)
        except NoScriptError:
            self.round_trips += 1
            return await self._execute("EVAL", script.text, len(keys), *keys, *arguments)

    def _execute(self, *command: Argument) -> Awaitable[Any]:
        return self._client.execute_command(*command)
