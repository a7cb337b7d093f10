"""The log of a plugin."""

from typing import Protocol, cast

import structlog

__all__ = ["PluginLog", "plugin_log"]


class PluginLog(Protocol):
    """Structured logging: an event in snake case, and values by name; never a secret or a prompt."""

    def info(self, event: str, /, **values: object) -> None:
        """Log what an operator may want to know."""
        ...

    def warning(self, event: str, /, **values: object) -> None:
        """Log what an operator should look at."""
        ...


def plugin_log(plugin: str) -> PluginLog:
    """A log whose every line carries `plugin`."""
    log = structlog.get_logger(f"gateway.plugins.{plugin}", plugin=plugin)
    return cast("PluginLog", log)  # structlog types its lazy logger as Any
