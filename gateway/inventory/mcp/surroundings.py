"""Beside what MCP servers of the database stand."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from gateway.catalog.own_paths import OwnPaths
from gateway.domain import McpFindings, McpServerRecord, McpShelf

__all__ = ["McpSurroundings", "configured_names"]

_NONE = OwnPaths()


class McpSurroundings(msgspec.Struct, frozen=True):
    """Beside what servers of the database stand.

    `configured` are the servers of the configuration by their names, `environ` variables to which settings
    may refer, `shelf` what is served. `check` asks the plugin that serves them whether it can serve one,
    `ask` which tools one has, `try_out` the same of one that is not served. It `respects_scope` where
    `allow_all_keys` opens servers only to keys that name none, and `demands_keys` where a key that names none
    has none. Unless they `are_read` there are no servers of the database. A submission has all that
    is `required`. No name leads to one of the gateway's `own` paths.
    """

    configured: Mapping[str, Mapping[str, Any]]
    environ: Mapping[str, str]
    shelf: McpShelf
    check: Callable[[McpServerRecord], Awaitable[bool | None]]
    ask: Callable[[str], Awaitable[McpFindings | None]]
    try_out: Callable[[McpServerRecord], Awaitable[McpFindings | None]]
    respects_scope: bool = False
    demands_keys: bool = False
    are_read: bool = True
    required: tuple[str, ...] = ()
    own: OwnPaths = _NONE


def configured_names(configured: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """Everything that servers of the configuration are called."""
    found = (
        one
        for name, settings in configured.items()
        for one in (name, settings.get("server_id"), settings.get("alias"))
    )
    return frozenset(one for one in found if one)
