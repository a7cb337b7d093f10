"""Options that are members of a request: how they are declared, and what they come to."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

__all__ = [
    "Decorator",
    "clear_option",
    "json_option",
    "names_option",
    "read_changes",
    "read_given",
    "with_options",
]

_Command = TypeVar("_Command", bound=Callable[..., Any])
Decorator = Callable[[Any], Any]
"""What `click.option` returns."""


def names_option(flag: str, help_text: str) -> Decorator:
    """An option of names with commas between, which is a list; none of them is the empty one."""
    return click.option(flag, callback=_split, metavar="NAMES", help=help_text)


json_option = click.option("--json", "is_json", is_flag=True, help="Print everything as JSON.")


def with_options(options: Sequence[Decorator]) -> Callable[[_Command], _Command]:
    """A decorator that adds options, in their order."""

    def add(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def clear_option(names: Sequence[str]) -> Decorator:
    """The option that takes members away."""
    return click.option(
        "--clear", multiple=True, type=click.Choice(names), help="Take this away; may be repeated."
    )


def read_given(values: Mapping[str, Any]) -> dict[str, Any]:
    """The members that were named."""
    return {name: value for name, value in values.items() if value is not None}


def read_changes(
    values: Mapping[str, Any], clear: Sequence[str], cleared: Mapping[str, object] | None = None
) -> dict[str, Any]:
    """The members that were named, and those that are taken away: null, or what `cleared` says.

    Raises UsageError when there is nothing to change.
    """
    sent = read_given(values) | {name: (cleared or {}).get(name) for name in clear}
    if not sent:
        raise click.UsageError("Say what is to change; see --help.")
    return sent


def _split(_context: click.Context, _parameter: click.Parameter, text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]
