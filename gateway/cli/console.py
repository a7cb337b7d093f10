"""The console on which tables are printed."""

from rich.console import Console

__all__ = ["build_console"]

_NARROWEST = 100
"""Columns for output that goes to no terminal, so that a log shows whole lines."""


def build_console() -> Console:
    """A console as wide as the terminal."""
    console = Console(highlight=False)
    if console.is_terminal:
        return console
    return Console(highlight=False, width=max(console.width, _NARROWEST))
