"""What the operator says of finding tools."""

from typing import Annotated

import msgspec

__all__ = ["Meaning", "SemanticFilter", "ToolSearch", "Wish"]

_Count = Annotated[int, msgspec.Meta(ge=1, le=1000)]
_Share = Annotated[float, msgspec.Meta(ge=-1, le=1)]


class Meaning(msgspec.Struct, frozen=True):
    """By which model tools are compared, and how near they must be."""

    model: str
    threshold: float


class Wish(msgspec.Struct, frozen=True):
    """What is wanted, how many at most, and how tools are compared with it: by words where it is None."""

    query: str
    most: int
    meaning: Meaning | None = None


class SemanticFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`litellm_settings.mcp_semantic_tool_filter`: lists have what a conversation needs."""

    enabled: bool = False
    embedding_model: str = "text-embedding-3-small"
    top_k: _Count = 10
    similarity_threshold: _Share = 0.3

    @property
    def meaning(self) -> Meaning | None:
        """How tools are compared; None: by words."""
        return Meaning(self.embedding_model, self.similarity_threshold) if self.enabled else None


class ToolSearch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`litellm_settings.mcp_tool_search`: what `search_tools` finds, and the tools that need no search."""

    embedding_model: str | None = None
    top_k: _Count = 10
    similarity_threshold: _Share = 0.0
    core_tools: frozenset[str] = frozenset()

    @property
    def meaning(self) -> Meaning | None:
        """How tools are compared; None: by words."""
        return Meaning(self.embedding_model, self.similarity_threshold) if self.embedding_model else None
