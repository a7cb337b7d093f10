"""What is asked of a Redis from outside: whether it answers, and what it says of itself."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from gateway.domain import Secret

__all__ = ["Look", "LookFailedError", "RedisAccess", "RedisFacts"]


class LookFailedError(Exception):
    """The Redis cannot be reached, or refuses; the message names no address."""


class RedisFacts(msgspec.Struct, frozen=True):
    """What a Redis says of itself."""

    clients: list[dict[str, object]]
    info: dict[str, object]


class Look(Protocol):
    """One Redis, connected to for each question. Raises LookFailedError."""

    async def ping(self) -> None:
        """Have it answer."""
        ...

    async def write(self, key: str, seconds: int) -> None:
        """Have it keep a key for so long."""
        ...

    async def describe(self) -> RedisFacts:
        """Have it say who is connected, and how it is."""
        ...


class RedisAccess(msgspec.Struct, frozen=True):
    """The Redis of the configuration, if there is one, and how any is looked at.

    `prefix` begins the names of all keys. `open_look` imports the client when it is called first, and raises
    LookFailedError for what is no address.
    """

    url: Secret | None
    prefix: str
    open_look: Callable[[str], Look]
