"""What workers remember, and the Redis in which they count together."""

import asyncio
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from gateway.cache.look import Look, LookFailedError, RedisAccess
from gateway.domain import Scope, ScopeKind
from gateway.errors import ServiceUnavailable
from gateway.identity.credentials import hash_of
from gateway.identity.records import Records
from gateway.inventory.cache_settings import keep_secrets_home, unmask
from gateway.inventory.redis_addresses import build_redis_url

__all__ = ["CacheService"]

_PING_FAILED = "cache_ping_error"
_PROBE_SECONDS = 10
_DEFAULT_PORT = 6379


class CacheService:
    """Looks at the Redis, and has workers forget."""

    def __init__(self, records: Records, redis: RedisAccess) -> None:
        self._records = records
        self._redis = redis

    async def ping(self) -> dict[str, object]:
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

    def parameters(self) -> dict[str, object]:
        """Where the Redis of the configuration is, without secrets; nothing where there is none."""
        return {} if self._redis.url is None else _parameters(self._redis)

    async def try_settings(
        self, settings: Mapping[str, object], stored: Mapping[str, object], path: str
    ) -> str | None:
        """What keeps the Redis of these settings from answering; None when it does.

        A secret that is sent as it is shown of what is `stored` is the stored one. Raises BadRequest for
        settings that name no Redis.
        """
        keep_secrets_home(settings, {name: stored[name] for name in settings if name in stored}, f"{path}.")
        url = build_redis_url(unmask(settings, stored), path)
        try:
            look = await asyncio.to_thread(self._redis.open_look, url)
            await look.ping()
        except LookFailedError as error:
            return str(error)
        return None

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
            message = (
                "This gateway has no Redis; REDIS_URL names one, where several workers share their limits."
            )
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
