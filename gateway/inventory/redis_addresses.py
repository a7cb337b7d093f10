"""The address of a Redis, put together from the members of settings."""

from collections.abc import Mapping
from urllib.parse import quote

from gateway.errors import BadRequest

__all__ = ["build_redis_url"]

_SCHEMES = ("redis://", "rediss://")
_DEFAULT_PORT = 6379
_MOST_PORT = 65_535
_TRUE = frozenset({"true", "1", "yes", "on"})


def build_redis_url(settings: Mapping[str, object], path: str) -> str:
    """The URL of a single Redis. Raises BadRequest naming the member below `path` that is wrong."""
    for name in ("redis_startup_nodes", "sentinel_nodes"):
        if settings.get(name):
            raise _refuse(path, name, "Only a single Redis can be tried; of a cluster, name one node.")
    if settings.get("type", "redis") != "redis":
        raise _refuse(path, "type", "Only 'redis' can be tried.")
    url = _text(settings, "url")
    if url:
        if not url.startswith(_SCHEMES):
            raise _refuse(path, "url", "Expected redis://... or rediss://...")
        return url
    host = _text(settings, "host")
    if not host or any(char in host for char in "/@?# "):
        raise _refuse(path, "host", "Expected the name or address of a host.")
    scheme = "rediss" if _text(settings, "ssl").lower() in _TRUE else "redis"
    port = _number(settings, "port", _DEFAULT_PORT, path, _MOST_PORT)
    return f"{scheme}://{_account(settings)}{host}:{port}/{_number(settings, 'db', 0, path, 1_000_000)}"


def _account(settings: Mapping[str, object]) -> str:
    user, password = quote(_text(settings, "username"), safe=""), _text(settings, "password")
    if not user and not password:
        return ""
    return f"{user}:{quote(password, safe='')}@" if password else f"{user}@"


def _text(settings: Mapping[str, object], name: str) -> str:
    value = settings.get(name)
    return "" if value is None else str(value).strip()


def _number(settings: Mapping[str, object], name: str, usual: int, path: str, most: int) -> int:
    text = _text(settings, name)
    if not text:
        return usual
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(most)) or int(text) > most:
        raise _refuse(path, name, f"Expected a number of 0 to {most}.")
    return int(text)


def _refuse(path: str, name: str, reason: str) -> BadRequest:
    return BadRequest(f"{path}.{name}: {reason}", param=f"{path}.{name}", type="bad_request_error")
