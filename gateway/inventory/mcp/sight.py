"""Which MCP servers a caller may know of."""

from collections.abc import Iterable

from gateway.db.rows import Columns
from gateway.domain import Principal, Role
from gateway.inventory.mcp.surroundings import McpSurroundings
from gateway.sdk.permissions import (
    McpDemands,
    McpDirectory,
    McpOpening,
    allowed_mcp_servers,
    is_mcp_server_open,
)

__all__ = ["Sight", "sees_all"]

_SEE_ALL = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})


def sees_all(caller: Principal) -> bool:
    """Whether a caller sees every server, and how it is reached."""
    return caller.role in _SEE_ALL


class Sight:
    """What one caller sees of these servers, by the rights by which it may ask them."""

    def __init__(self, caller: Principal, shown: Iterable[Columns], around: McpSurroundings) -> None:
        self._caller = caller
        self._around = around
        self._shown = tuple(shown)
        self._toolsets = {
            name: dict(one.tools) for one in around.shelf.toolsets for name in (one.toolset_id, one.name)
        }

    def list_visible(self) -> list[Columns]:
        """The servers that the caller may reach, in the order given."""
        caller = self._caller
        if sees_all(caller):
            return list(self._shown)
        directory = McpDirectory(servers_of_group=self._of_group, tools_of_toolset=self._of_toolset)
        allowed = allowed_mcp_servers(caller, (), directory, McpDemands(of_key=self._around.demands_keys))
        return [
            one
            for one in self._shown
            if allowed is None
            or not allowed.isdisjoint(_names(one))
            or is_mcp_server_open(caller, (), self._opening(one))
        ]

    def _opening(self, shown: Columns) -> McpOpening:
        return McpOpening(
            to_all_keys=bool(shown["allow_all_keys"]),
            respects_scope=self._around.respects_scope,
            submitter=shown.get("submitted_by"),
        )

    def _of_group(self, group: str) -> list[str]:
        return [one["server_id"] for one in self._shown if group in (one["mcp_access_groups"] or ())]

    def _of_toolset(self, name: str) -> dict[str, tuple[str, ...]]:
        return self._toolsets.get(name, {})


def _names(shown: Columns) -> set[str]:
    found = (shown["server_id"], shown["server_name"], shown["alias"])
    return {str(name).replace(" ", "_") for name in found if name}
