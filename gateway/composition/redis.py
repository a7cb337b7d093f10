"""How a Redis is looked at, without paying for its client before somebody looks."""

from importlib import import_module
from typing import Any, cast

from gateway.cache.look import Look, RedisAccess
from gateway.settings import Settings

__all__ = ["build_redis_access"]


def build_redis_access(settings: Settings) -> RedisAccess:
    """The Redis of the settings, if they have one, and how it or another one is looked at."""
    return RedisAccess(settings.environment.redis_url, settings.gatewright.redis_prefix, _open_look)


def _open_look(url: str) -> Look:
    # A gateway whose Redis nobody looks at does not pay for the client: 0.2 s and 15 MB.
    module: Any = import_module("gateway.cache.redis_look")
    # An attribute of a module is Any.
    return cast("Look", module.RedisLook(url))
