"""What the operator says of finding tools."""

import msgspec

from gateway.domain import McpNarrowing, McpToolSearch

__all__ = ["Meaning", "Wish", "meaning_of_lists", "meaning_of_searches"]


class Meaning(msgspec.Struct, frozen=True):
    """By which model tools are compared, and how near they must be."""

    model: str
    threshold: float


class Wish(msgspec.Struct, frozen=True):
    """What is wanted, how many at most, and how tools are compared with it: by words where it is None."""

    query: str
    most: int
    meaning: Meaning | None = None


def meaning_of_lists(said: McpNarrowing) -> Meaning | None:
    """How tools of lists are compared; None: by words."""
    return Meaning(said.embedding_model, said.similarity_threshold) if said.enabled else None


def meaning_of_searches(said: McpToolSearch) -> Meaning | None:
    """How tools are compared that are sought; None: by words."""
    return Meaning(said.embedding_model, said.similarity_threshold) if said.embedding_model else None
