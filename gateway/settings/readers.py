"""Typed reading of single values: what was expected, and what stands there instead."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from gateway.domain import Secret
from gateway.settings.durations import parse_seconds
from gateway.settings.faults import Faults
from gateway.settings.node import Node, config_error, describe, plain

__all__ = [
    "Reader",
    "integer",
    "one_of",
    "read_boolean",
    "read_each",
    "read_fields",
    "read_items",
    "read_mapping",
    "read_members",
    "read_number",
    "read_plain_mapping",
    "read_retention",
    "read_seconds",
    "read_secret",
    "read_text",
    "read_texts",
    "read_values",
]

Reader = Callable[[Node], object]

T = TypeVar("T")

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_NUMBER = re.compile(r"[+-]?([0-9]{1,18}(\.[0-9]{0,18})?|\.[0-9]{1,18})([eE][+-]?[0-9]{1,2})?", re.ASCII)
_LARGEST_INTEGER = 2**63 - 1
_LARGEST_NUMBER = 1e18


def read_text(node: Node) -> str:
    """A text; a number is taken as it is written, as people leave the quotes off. Raises ConfigError."""
    value = node.value
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number_text(node, value)
    raise config_error(node, f"Expected a text, found {describe(node)}.")


def _number_text(node: Node, value: float) -> str:
    if abs(value) > _LARGEST_INTEGER:
        raise config_error(node, "Expected a text, found a very large number; put it into quotes.")
    return str(value)


def read_secret(node: Node) -> Secret:
    """A credential. Raises ConfigError."""
    return Secret(read_text(node))


def read_boolean(node: Node) -> bool:
    """True or false, also as a text, which is what the environment gives. Raises ConfigError."""
    value = node.value
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower() if isinstance(value, str | int) else ""
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise config_error(node, f"Expected true or false, found {describe(node)}.", allowed=("true", "false"))


def integer(minimum: int = 0, maximum: int = _LARGEST_INTEGER) -> Callable[[Node], int]:
    """A reader of whole numbers between two bounds, also given as texts."""

    def read(node: Node) -> int:
        value = _integer_value(node.value)
        if value is None:
            raise config_error(node, f"Expected a whole number, found {describe(node)}.")
        if not minimum <= value <= maximum:
            bounds = f"at least {minimum}" if maximum == _LARGEST_INTEGER else f"from {minimum} to {maximum}"
            raise config_error(node, f"Expected a whole number of {bounds}, found {describe(node)}.")
        return value

    return read


def _integer_value(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST_NUMBER:
        return int(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value)
    return None


def read_number(node: Node) -> float:
    """A number of at least 0, also given as a text. Raises ConfigError."""
    value = node.value
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise config_error(node, f"Expected a number, found {describe(node)}.")
    if not 0 <= value <= _LARGEST_NUMBER:
        raise config_error(node, f"Expected a number from 0 to 1e18, found {describe(node)}.")
    return float(value)


def read_seconds(node: Node) -> float:
    """A duration: a number of seconds, or a text such as `30s`, `5m`, `1h`. Raises ConfigError."""
    if not isinstance(node.value, str):
        return read_number(node)
    seconds = parse_seconds(node.value)
    if seconds is None:
        message = f"Expected seconds or a duration such as 30s, 5m, 1h, 7d, found {describe(node)}."
        raise config_error(node, message)
    return seconds


def read_retention(node: Node) -> float:
    """How long rows are kept: `30d`, or a number of days, as LiteLLM has it. Raises ConfigError.

    A text without a unit, and 0, are refused: a slip must not delete everything.
    """
    value = node.value
    if isinstance(value, int) and not isinstance(value, bool):
        value = f"{value}d"
    text = value.strip() if isinstance(value, str) else ""
    seconds = parse_seconds(text)
    if not seconds or text[-1].isdigit():
        raise config_error(
            node,
            f"Expected a duration above 0 with its unit, such as 30d, or a number of days, found "
            f"{describe(node)}. Leave the setting out to keep all rows.",
        )
    return seconds


def one_of(*allowed: str) -> Callable[[Node], str]:
    """A reader of a text out of a fixed choice."""

    def read(node: Node) -> str:
        if node.value not in allowed:
            raise config_error(
                node, f"Expected one of a fixed choice, found {describe(node)}.", allowed=allowed
            )
        return str(node.value)

    return read


def read_mapping(node: Node) -> dict[str, Node]:
    """The members of a mapping; those that are null count as absent. Raises ConfigError."""
    if not isinstance(node.value, dict):
        raise config_error(node, f"Expected a mapping, found {describe(node)}.")
    return {name: child for name, child in node.value.items() if child.value is not None}


def read_members(node: Node | None) -> dict[str, Node]:
    """Like `read_mapping`, with a section that may be absent or empty."""
    return {} if node is None or node.value is None else read_mapping(node)


def read_items(node: Node) -> list[Node]:
    """The items of a list. Raises ConfigError."""
    if not isinstance(node.value, list):
        raise config_error(node, f"Expected a list, found {describe(node)}.")
    return node.value


def read_texts(node: Node) -> tuple[str, ...]:
    """A list of texts; a single text counts as a list of one. Raises ConfigError."""
    if isinstance(node.value, str):
        return (node.value,)
    return tuple(read_each(read_items(node), read_text))


def read_each(nodes: Iterable[Node], read: Callable[[Node], T]) -> list[T]:
    """What every node reads to. Raises ConfigError for all that cannot be read."""
    faults = Faults()
    found: list[T] = []
    for node in nodes:
        with faults.collect():
            found.append(read(node))
    faults.refuse()
    return found


def read_values(members: Mapping[str, Node], read: Callable[[Node], T]) -> dict[str, T]:
    """What every member reads to, by name. Raises ConfigError for all that cannot be read."""
    return dict(zip(members, read_each(members.values(), read), strict=True))


def read_plain_mapping(node: Node) -> dict[str, object]:
    """A mapping that is handed on as it stands, nulls included. Raises ConfigError."""
    if not isinstance(node.value, dict):
        raise config_error(node, f"Expected a mapping, found {describe(node)}.")
    return {name: plain(child) for name, child in node.value.items()}


def read_fields(members: Mapping[str, Node], readers: Mapping[str, tuple[str, Reader]]) -> dict[str, object]:
    """The fields of a settings struct. `readers` gives per key the field's name and its reader.

    Raises ConfigError for all keys that cannot be read.
    """
    faults = Faults()
    found: dict[str, object] = {}
    for key, (field, read) in readers.items():
        if key in members:
            with faults.collect():
                found[field] = read(members[key])
    faults.refuse()
    return found
