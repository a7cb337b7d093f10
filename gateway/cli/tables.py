"""What commands print: tables for people, JSON for programs."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import click
import msgspec

__all__ = ["Column", "find_member", "print_json", "print_rows", "print_table", "say"]

_NOTHING = "-"


class Column(msgspec.Struct, frozen=True):
    """A column of a table: its head, and the member that it shows, names joined by dots.

    `form` is what a number is written with.
    """

    head: str
    member: str
    form: str = "g"


def print_json(content: object) -> None:
    """Print JSON for people and programs."""
    click.echo(msgspec.json.format(msgspec.json.encode(content), indent=2).decode())


def print_rows(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> None:
    """Print objects as a table, a row each."""
    cells = [[_cell(find_member(row, column.member), column.form) for column in columns] for row in rows]
    print_table([column.head for column in columns], cells)


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table whose columns are as wide as what stands in them."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def say(text: str) -> None:
    """Print a line; names come from tenants, and may not steer the terminal."""
    click.echo("".join(char if char.isprintable() else "?" for char in text))


def find_member(row: Mapping[str, Any], path: str) -> object:
    """The value at a path of names joined by dots, or None."""
    found: Any = row
    for name in path.split("."):
        found = cast("Mapping[str, Any]", found).get(name) if isinstance(found, Mapping) else None
    return found


def _cell(value: object, form: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:{form}}"
    if isinstance(value, list):
        return ", ".join(map(str, cast("list[object]", value))) or _NOTHING
    return _NOTHING if value is None or value == "" else str(value)
