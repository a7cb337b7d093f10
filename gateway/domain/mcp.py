"""MCP servers and toolsets of the database, as a plugin gets them."""

import msgspec

__all__ = ["McpFindings", "McpServerRecord", "McpShelf", "McpToolset"]


class McpServerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An MCP server; `settings` are those of an item of `mcp_servers`, secrets decrypted: never shown.

    One that `is_tenants` was submitted by a user, the `submitter` where that is known: its address may lead
    to public networks only.
    """

    server_id: str
    name: str
    settings: dict[str, object]
    is_tenants: bool = False
    submitter: str | None = None

    __repr__ = object.__repr__


class McpToolset(msgspec.Struct, frozen=True, kw_only=True):
    """A named set of tools: their names, by the ids of their servers."""

    toolset_id: str
    name: str
    tools: dict[str, tuple[str, ...]]


class McpShelf(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of the kind that the database has."""

    servers: tuple[McpServerRecord, ...] = ()
    toolsets: tuple[McpToolset, ...] = ()


class McpFindings(msgspec.Struct, frozen=True, kw_only=True):
    """What an MCP server answered: the tools that it has, as it describes them, or why it gave no answer."""

    tools: tuple[dict[str, object], ...] = ()
    error: str = ""
