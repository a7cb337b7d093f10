"""Asks a Redis whether it answers, and what it says of itself."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from gateway.cache.look import LookFailedError, RedisFacts

__all__ = ["RedisLook"]

_SECONDS = 2.0
_REASONS = {
    AuthenticationError: "Redis refuses this user or password.",
    ResponseError: "Redis refuses this command.",
}


class RedisLook:
    """One Redis, connected to for each question. All methods raise LookFailedError."""

    def __init__(self, url: str) -> None:
        """Raise LookFailedError for what is no address of a Redis."""
        options: dict[str, Any] = {
            "socket_connect_timeout": _SECONDS,
            "socket_timeout": _SECONDS,
            "decode_responses": True,
            "retry": Retry(NoBackoff(), 0),
        }
        try:
            self._client: Any = cast("Any", Redis).from_url(url, **options)  # untyped in redis
        except ValueError as error:
            raise LookFailedError("This is no address of a Redis.") from error

    async def ping(self) -> None:
        """Have it answer."""
        async with self._connected() as client:
            await client.ping()

    async def write(self, key: str, seconds: int) -> None:
        """Have it keep a key for so long."""
        async with self._connected() as client:
            await client.set(key, "1", ex=seconds)

    async def describe(self) -> RedisFacts:
        """Have it say who is connected, and how it is."""
        async with self._connected() as client:
            return RedisFacts(await client.client_list(), await client.info())

    @asynccontextmanager
    async def _connected(self) -> AsyncGenerator[Any]:
        try:
            yield self._client
        except (RedisError, OSError, TimeoutError) as error:
            reason = next((text for kind, text in _REASONS.items() if isinstance(error, kind)), None)
            raise LookFailedError(reason or "Redis does not answer.") from error
        finally:
            await self._client.aclose()
