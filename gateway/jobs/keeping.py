"""What plugins have that outlives a reload."""

from collections.abc import Callable
from typing import TypeVar, cast

__all__ = ["Kept"]

_Value = TypeVar("_Value")


class Kept:
    """Implements `gateway.hooks.Keeping`: one object of each kind."""

    def __init__(self) -> None:
        self._kept: dict[type, object] = {}

    def keep(self, kind: type[_Value], build: Callable[[], _Value]) -> _Value:
        """The one object of this kind, built now if there is none yet."""
        if kind not in self._kept:
            self._kept[kind] = build()
        return cast("_Value", self._kept[kind])  # what was built for this kind
