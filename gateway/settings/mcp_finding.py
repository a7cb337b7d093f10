"""Read what `litellm_settings` say of finding tools of MCP servers."""

from collections.abc import Mapping

import msgspec

from gateway.domain import McpFinding, McpNarrowing, McpToolSearch
from gateway.settings.node import Node, config_error
from gateway.settings.readers import (
    Reader,
    integer,
    read_boolean,
    read_fields,
    read_members,
    read_number,
    read_text,
    read_texts,
)

__all__ = ["MCP_FINDING_KEYS", "MCP_NARROWING", "MCP_SEARCH", "SEARCH_TOP", "read_mcp_finding"]

MCP_NARROWING, MCP_SEARCH = "mcp_semantic_tool_filter", "mcp_tool_search"
MCP_FINDING_KEYS = frozenset({MCP_NARROWING, MCP_SEARCH})
"""The members of `litellm_settings` that say it."""
SEARCH_TOP = 5
"""How many tools a search finds at most, where the section says nothing of it."""


def _read_share(node: Node) -> float:
    value = read_number(node)
    if value > 1:
        raise config_error(node, "Expected a number from 0 to 1.")
    return value


_MEANING = {
    "embedding_model": ("embedding_model", read_text),
    "top_k": ("top_k", integer(1, 1_000)),
    "similarity_threshold": ("similarity_threshold", _read_share),
}
_NARROWING_READERS: Mapping[str, tuple[str, Reader]] = {"enabled": ("enabled", read_boolean), **_MEANING}
_SEARCH_READERS: Mapping[str, tuple[str, Reader]] = {"core_tools": ("core_tools", read_texts), **_MEANING}


def read_mcp_finding(root: Node) -> McpFinding:
    """How tools are found. Raises ConfigError, also for members that are not known."""
    members = read_members(root.member("litellm_settings"))
    found = McpFinding()
    if MCP_NARROWING in members:
        fields = _read_strictly(members[MCP_NARROWING], _NARROWING_READERS)
        found = msgspec.structs.replace(found, narrowing=msgspec.convert(fields, McpNarrowing))
    if MCP_SEARCH in members:
        fields = {"top_k": SEARCH_TOP, **_read_strictly(members[MCP_SEARCH], _SEARCH_READERS)}
        found = msgspec.structs.replace(found, search=msgspec.convert(fields, McpToolSearch))
    return found


def _read_strictly(node: Node, readers: Mapping[str, tuple[str, Reader]]) -> dict[str, object]:
    members = read_members(node)
    unknown = next((name for name in members if name not in readers), None)
    if unknown is not None:
        raise config_error(members[unknown], "There is no such member.", allowed=sorted(readers))
    return read_fields(members, readers)
