"""One request of the table of routes: what is sent, and how many SQL statements its answer takes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Asked", "filled"]


@dataclass(frozen=True)
class Asked:
    """`route` is the method and the path as the code has it; words in braces are names that were kept.

    `keeps` names parts of the answer for requests further down, `by` the kept key that asks.
    """

    statements: int
    route: str
    body: object = None
    query: Mapping[str, object] = field(default_factory=dict)
    keeps: Mapping[str, str] = field(default_factory=dict)
    by: str = ""
    form: Mapping[str, str] | None = None
    file: tuple[str, bytes] | None = None
    holds_drain: bool = False
    """Whether what costs is drained only afterwards: a route that drains by itself would wait for ever."""

    def sent(self, names: Mapping[str, str]) -> dict[str, Any]:
        """What the client is told to send."""
        found: dict[str, Any] = {"params": filled(self.query, names)}
        if self.body is not None:
            found["json"] = filled(self.body, names)
        if self.form is not None:
            found["data"] = filled(self.form, names)
        if self.file is not None:
            found["files"] = {"file": self.file}
        return found


def filled(value: object, names: Mapping[str, str]) -> Any:
    """The value with the names in its texts filled in."""
    if isinstance(value, str):
        return value.format(**names)
    if isinstance(value, list | tuple):
        return [filled(item, names) for item in value]
    if isinstance(value, Mapping):
        return {filled(name, names): filled(item, names) for name, item in value.items()}
    return value
