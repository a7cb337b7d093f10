"""The query part of a database URL, read with types and refused with names."""

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import unquote

from gateway.errors import ConfigError

__all__ = ["UrlOptions"]

_ALLOWED = (
    "application_name", "channel_binding", "connect_timeout", "connection_limit", "host",
    "idle_in_transaction_session_timeout", "min_connections", "password", "pgbouncer", "pool_timeout",
    "port", "schema", "socket_timeout", "sslaccept", "sslcert", "sslidentity", "sslkey", "sslmode",
    "sslpassword", "sslrootcert", "statement_cache_size", "statement_timeout", "user",
)  # fmt: skip
_LARGEST = 1_000_000
_Word = TypeVar("_Word", bound=str)
_Number = TypeVar("_Number", int, float)


class UrlOptions:
    """The options of one URL by type; errors name option and variable.

    Raises ConfigError for an option that is unknown or given twice.
    """

    def __init__(self, query: str, variable: str) -> None:
        self._values = _split(query, variable)
        self._variable = variable

    def error(self, name: str, problem: str, allowed: tuple[str, ...] = ()) -> ConfigError:
        """An error to raise that names the option."""
        return ConfigError(f"'{name}' {problem}", path=self._variable, allowed=allowed)

    def text(self, name: str) -> str | None:
        """The value, or None if it is missing or empty."""
        return self._values.get(name) or None

    def choice(self, name: str, allowed: tuple[_Word, ...]) -> _Word | None:
        """One of `allowed`, or None if it is missing. Raises ConfigError for another value."""
        value = self._values.get(name)
        if value is None:
            return None
        for word in allowed:
            if word == value:
                return word
        raise self.error(name, f"is '{value}'.", allowed)

    def integer(self, name: str, default: int, *, at_least: int) -> int:
        """A whole number. Raises ConfigError for what is none, or too small."""
        return self._number(name, default, int, at_least, "a whole number")

    def seconds(self, name: str, default: float) -> float | None:
        """Seconds; 0 means no limit, as with Prisma."""
        return self._number(name, default, float, 0, "a number of seconds") or None

    def milliseconds(self, name: str, default_seconds: float) -> float | None:
        """Seconds from an option in milliseconds, as the server's setting of that name; 0 means no limit."""
        value = self._number(name, default_seconds * 1000, float, 0, "a number of milliseconds")
        return value / 1000 or None

    def flag(self, name: str) -> bool:
        """Whether the value is `true`; it may be `false`, or missing."""
        return self.choice(name, ("true", "false")) == "true"

    def _number(
        self, name: str, default: _Number, read: Callable[[str], _Number], least: int, kind: str
    ) -> _Number:
        text = self._values.get(name)
        if text is None:
            return default
        try:
            value = read(text)
        except ValueError as error:
            raise self.error(name, f"is '{text}', but has to be {kind}.") from error
        # Written so that NaN fails, too.
        if not least <= value <= _LARGEST:
            raise self.error(name, f"is {text}, but has to be {kind} from {least} to {_LARGEST}.")
        return value


def _split(query: str, variable: str) -> dict[str, str]:
    """Options by name. A plus sign stays one: file names hold them, and libpq does not decode it."""
    options: dict[str, str] = {}
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        name = unquote(name)
        if name not in _ALLOWED:
            raise ConfigError(f"Unknown option '{name}'.", path=variable, allowed=_ALLOWED)
        if name in options:
            raise ConfigError(f"Option '{name}' is given twice.", path=variable)
        options[name] = unquote(value)
    return options
