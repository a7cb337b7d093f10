"""How tools of MCP servers are found: how that is changed, shown and described."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.domain import McpFinding, McpToolSearch
from gateway.inventory.sealed import merge_members
from gateway.settings.mcp_finding import MCP_NARROWING, MCP_SEARCH, SEARCH_TOP

__all__ = [
    "NarrowingRequest",
    "SearchRequest",
    "change_finding",
    "complete_finding",
    "describe_finding",
    "show_finding",
]

_MODEL = "The model for embeddings by which tools are compared."
_COMMON: Mapping[str, tuple[str, str]] = {
    "top_k": ("integer", "How many tools at most, from 1 to 1000."),
    "similarity_threshold": ("number", "The least cosine, from 0 to 1."),
}
_MEANINGS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    MCP_NARROWING: {
        "enabled": ("boolean", "Whether lists of tools are narrowed by meaning."),
        "embedding_model": ("string", _MODEL),
        **_COMMON,
    },
    MCP_SEARCH: {
        "embedding_model": ("string", f"{_MODEL} Without one words decide."),
        **_COMMON,
        "core_tools": ("array", "Tools that are listed without a search."),
    },
}
_USUAL = McpFinding(search=McpToolSearch(top_k=SEARCH_TOP))
_TITLES = {
    MCP_NARROWING: "Which tools of MCP servers lists have.",
    MCP_SEARCH: "How search_tools finds tools of MCP servers.",
}


class NarrowingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`PATCH /update/mcp_semantic_filter_settings`: what is sent changes, null is the default."""

    enabled: bool | None = None
    embedding_model: str | None = None
    top_k: int | None = None
    similarity_threshold: float | None = None


class SearchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`PATCH /update/mcp_tool_search_settings`: what is sent changes, null is the default."""

    embedding_model: str | None = None
    top_k: int | None = None
    similarity_threshold: float | None = None
    core_tools: list[str] | None = None


def describe_finding(name: str) -> dict[str, object]:
    """The members that can be set, with their types and meanings."""
    fields = {field: {"type": kind, "description": text} for field, (kind, text) in _MEANINGS[name].items()}
    return {"description": _TITLES[name], "properties": fields}


def show_finding(name: str, finding: McpFinding) -> dict[str, Any]:
    """The members as they are now."""
    return msgspec.to_builtins(finding.narrowing if name == MCP_NARROWING else finding.search)


def change_finding(values: Mapping[str, object], sent: Mapping[str, object]) -> dict[str, Any]:
    """The members with what was sent."""
    return merge_members(values, msgspec.to_builtins(sent))


def complete_finding(name: str, values: Mapping[str, object]) -> dict[str, Any]:
    """The members as they will be: those that are not there are the usual ones."""
    return {**show_finding(name, _USUAL), **values}
