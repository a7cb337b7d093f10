"""The WHERE of a listing, put together from what a request asks for; values travel as parameters."""

from typing import Self

__all__ = ["Conditions"]


class Conditions:
    """Collects conditions and their arguments. Templates are constants of a module, never input."""

    def __init__(self) -> None:
        self.args: list[object] = []
        self._parts: list[str] = []

    def add(self, template: str, value: object) -> Self:
        """Require `template`, whose `{}` stands for the value."""
        self._parts.append(template.replace("{}", self.put(value)))
        return self

    def add_given(self, template: str, value: object) -> Self:
        """Require it if the value is not None."""
        return self if value is None else self.add(template, value)

    def put(self, value: object) -> str:
        """Make a value an argument; returns the text that stands for it."""
        self.args.append(value)
        return f"${len(self.args)}"

    @property
    def sql(self) -> str:
        """`WHERE ...`; nothing when there are no conditions."""
        return f"WHERE {' AND '.join(self._parts)}" if self._parts else ""
