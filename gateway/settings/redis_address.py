"""Where the Redis is in which several workers share their limits: one URL, or its parts."""

from collections.abc import Mapping
from urllib.parse import quote

from gateway.domain import Secret
from gateway.errors import ConfigError
from gateway.settings.node import Node
from gateway.settings.readers import read_text

__all__ = ["read_redis_url"]

_SCHEMES = ("redis://", "rediss://", "unix://")
_PARTS = ("url", "host", "port", "username", "password", "db", "ssl")
_TRUE = frozenset({"1", "true", "yes", "on"})


def read_redis_url(root: Node, environ: Mapping[str, str]) -> Secret | None:
    """`REDIS_URL`, else `router_settings.redis_url`, else one put together from `REDIS_HOST` and its like.

    Raises ConfigError for what is no address of a Redis.
    """
    section = root.member("router_settings")
    settings = {} if section is None else {name: _read(section, f"redis_{name}") for name in _PARTS}
    parts = {name: environ.get(f"REDIS_{name.upper()}") or settings.get(name, "") for name in _PARTS}
    url = parts["url"] or _assemble(parts)
    if not url:
        return None
    if not url.startswith(_SCHEMES):
        raise ConfigError(
            "Expected the URL of a Redis.", path="REDIS_URL", allowed=tuple(f"{one}..." for one in _SCHEMES)
        )
    return Secret(url)


def _read(section: Node, name: str) -> str:
    node = section.member(name)
    if node is None or node.value is None:
        return ""
    # A port and a number of a database may be numbers, `redis_ssl` a switch.
    return str(node.value) if isinstance(node.value, int) else read_text(node)


def _assemble(parts: Mapping[str, str]) -> str:
    if not parts["host"]:
        return ""
    scheme = "rediss" if parts["ssl"].lower() in _TRUE else "redis"
    account = quote(parts["username"], safe="")
    if parts["password"]:
        account += f":{quote(parts['password'], safe='')}"
    at = f"{account}@" if account else ""
    return f"{scheme}://{at}{parts['host']}:{parts['port'] or 6379}/{parts['db'] or 0}"
