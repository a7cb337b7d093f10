"""Reads the members of a configuration object one by one, and says where a wrong one stands."""

import math
from collections.abc import Mapping

from gateway.domain import Secret
from gateway.errors import ConfigError

__all__ = ["Params"]


class Params:
    """One object of the configuration with its key path.

    A member that is absent or null reads as None. Every method raises ConfigError with the member's key path
    when the value has another type; values are never shown, because any of them may be a secret.
    """

    __slots__ = ("_members", "_path")

    def __init__(self, members: Mapping[str, object], path: str) -> None:
        self._members = members
        self._path = path

    def path_of(self, name: str) -> str:
        """The key path of a member."""
        return f"{self._path}.{name}" if self._path else name

    def wrong(self, name: str, expected: str) -> ConfigError:
        """The error for a member that is not what is expected."""
        kind = type(self._members.get(name)).__name__
        return ConfigError(f"must be {expected}, not {kind}.", path=self.path_of(name))

    def text(self, *names: str) -> str | None:
        """The first of these members that holds text; numbers and dates are taken as YAML meant them."""
        for name in names:
            value = self._members.get(name)
            if isinstance(value, Secret):
                return value.reveal() or None
            if isinstance(value, bool | list | dict):
                raise self.wrong(name, "a string")
            if value is not None and str(value):
                return str(value)
        return None

    def secret(self, *names: str) -> Secret | None:
        """The first of these members that holds a credential."""
        value = self.text(*names)
        return Secret(value) if value is not None else None

    def number(self, name: str, *, minimum: float = 0.0) -> float | None:
        """A finite number, also written as a string (YAML 1.1 reads 1e-6 as one)."""
        value = self._members.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise self.wrong(name, "a number")
        try:
            number = float(value)
        except (ValueError, OverflowError):
            raise self.wrong(name, "a number") from None
        if not math.isfinite(number) or number < minimum:
            raise ConfigError(f"must be a finite number of at least {minimum:g}.", path=self.path_of(name))
        return number

    def boolean(self, name: str) -> bool | None:
        """True or false."""
        value = self._members.get(name)
        if value is not None and not isinstance(value, bool):
            raise self.wrong(name, "true or false")
        return value

    def integer(self, name: str, *, minimum: int = 0) -> int | None:
        """A whole number."""
        number = self.number(name, minimum=minimum)
        if number is not None and number != int(number):
            raise self.wrong(name, "a whole number")
        return None if number is None else int(number)

    def names(self, name: str) -> tuple[str, ...]:
        """A list of strings; one string is a list of one."""
        value = self._members.get(name)
        if value is None:
            return ()
        if isinstance(value, str):
            return (value,)
        if not isinstance(value, list | tuple):
            raise self.wrong(name, "a list of strings")
        items: list[object] = list(value)  # pyright: ignore[reportUnknownArgumentType]  checked item by item
        if not all(isinstance(item, str) for item in items):
            raise self.wrong(name, "a list of strings")
        return tuple(str(item) for item in items)

    def mapping(self, name: str) -> dict[str, object]:
        """An object; absent is empty."""
        value = self._members.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.wrong(name, "an object")
        members: dict[object, object] = value  # pyright: ignore[reportUnknownVariableType]  keys become text
        return {str(key): member for key, member in members.items()}
