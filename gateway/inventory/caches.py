"""What workers remember, and the Redis in which they count together."""

import asyncio
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from gateway.cache.look import Look, LookFailedError, RedisAccess
from gateway.domain import Scope, ScopeKind
from gateway.errors import ServiceUnavailable
from gateway.identity.credentials import hash_of
from gateway.identity.records import Records

__all__ = ["CacheService"]

_PING_FAILED = "cache_ping_error"
_PROBE_SECONDS = 10
_DEFAULT_PORT = 6379


class CacheService:
    """Looks at the Redis, and has workers forget."""

    def __init__(self, records: Records, redis: RedisAccess) -> None:
        self._records = records
        self._redis = redis

    async def ping(self) -> Mapping[str, object]:
        """Have the Redis answer and keep a key; returns its parameters, without secrets.

        Raises ServiceUnavailable where there is none, or it does not answer.
        """
        look = await self._open()
        try:
            await look.ping()
            await look.write(f"{self._redis.prefix}:probe", _PROBE_SECONDS)
        except LookFailedError as error:
            raise ServiceUnavailable(str(error), type=_PING_FAILED) from error
        return _parameters(self._redis)

    async def describe(self) -> dict[str, object]:
        """Who is connected to the Redis, and what it says of itself. Raises ServiceUnavailable."""
        look = await self._open()
        try:
            facts = await look.describe()
        except LookFailedError as error:
            raise ServiceUnavailable(str(error), type=_PING_FAILED) from error
        return {"num_clients": len(facts.clients), "clients": facts.clients, "info": facts.info}

    async def forget(self, keys: Iterable[str]) -> None:
        """Have every worker read these virtual keys anew, plain or hashes. Raises DatabaseUnavailable."""
        scopes = [Scope(ScopeKind.KEY, hash_of(key)) for key in dict.fromkeys(keys)]
        async with self._records.transaction():
            await self._records.notices.announce_many(scopes)

    async def forget_everything(self) -> None:
        """Have every worker read all keys, teams and users anew. Raises DatabaseUnavailable."""
        async with self._records.transaction():
            await self._records.notices.announce_everything()

    async def _open(self) -> Look:
        url = self._redis.url
        if url is None:
            message = "There is no Redis: set REDIS_URL. Answers are not cached, and keys in the process."
            raise ServiceUnavailable(message, type=_PING_FAILED)
        try:
            return await asyncio.to_thread(self._redis.open_look, url.reveal())
        except LookFailedError as error:
            raise ServiceUnavailable(str(error), type=_PING_FAILED) from error


def _parameters(redis: RedisAccess) -> dict[str, object]:
    parts = urlsplit(redis.url.reveal() if redis.url is not None else "")
    return {
        "type": "redis",
        "host": parts.hostname,
        "port": parts.port or _DEFAULT_PORT,
        "db": parts.path.strip("/") or "0",
        "ssl": parts.scheme == "rediss",
        "password": "****" if parts.password else None,
        "namespace": redis.prefix,
    }
