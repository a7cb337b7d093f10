"""What MCP servers of the database are called, and what none may be called."""

from collections.abc import Mapping
from typing import Any

from gateway.catalog.mcp_names import find_taken, refusal_of
from gateway.catalog.own_paths import OwnPaths
from gateway.errors import BadRequest

__all__ = ["check_names", "list_names"]

_GROUPS = "mcp_access_groups"


def list_names(columns: Mapping[str, Any]) -> list[str]:
    """The id, the name and the alias, as they stand in paths."""
    found = (columns["server_id"], columns.get("server_name"), columns.get("alias"))
    return [_written(name) for name in found if name]


def check_names(columns: Mapping[str, Any], held: Mapping[str, Any], own: OwnPaths) -> None:
    """Raise BadRequest for a new name or access group that leads to a path of the gateway's own.

    What a row has `held` so far stays: LiteLLM may have stored it.
    """
    for member in ("server_id", "server_name", "alias"):
        if columns.get(member) and columns[member] != held.get(member):
            _check(_written(columns[member]), member, own)
    kept = frozenset(held.get(_GROUPS) or ())
    for index, group in enumerate(columns.get(_GROUPS) or ()):
        if group not in kept:
            _check(group, f"{_GROUPS}[{index}]", own)


def _check(name: str, member: str, own: OwnPaths) -> None:
    path = find_taken(name, own)
    if path is not None:
        raise BadRequest(refusal_of(name, path), param=member, type="bad_request_error")


def _written(name: object) -> str:
    return str(name).replace(" ", "_")
