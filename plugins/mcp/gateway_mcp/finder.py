"""Finds tools among many: by their meaning where a model says it, else by words."""

from collections.abc import Callable, Sequence

from gateway.domain import McpNarrowing, McpToolSearch
from gateway.hooks import McpSource, RequestContext
from gateway_mcp.finding import Found, Words, count_words, rank, text_of
from gateway_mcp.listings import Item, Listing
from gateway_mcp.meaning import Meanings
from gateway_mcp.search_terms import Wish, meaning_of_lists
from gateway_mcp.upstreams import Upstream

__all__ = ["Finder"]


class Finder:
    """Goes by what the operator says now."""

    def __init__(self, meanings: Meanings, source: McpSource) -> None:
        self._source = source
        self._meanings = meanings
        self._words = Words()

    @property
    def narrowing(self) -> McpNarrowing:
        """What the operator says of lists."""
        return self._source.finding.narrowing

    @property
    def search(self) -> McpToolSearch:
        """What the operator says of `search_tools`."""
        return self._source.finding.search

    async def find(
        self,
        listed: Sequence[tuple[Upstream, Listing]],
        wish: Wish,
        may_use: Callable[[Upstream, str], bool],
        context: RequestContext,
    ) -> list[Found]:
        """The tools that a text is about, of those that may be used, the best first."""
        if wish.meaning is not None:
            tools = [
                (upstream, item)
                for upstream, listing in listed
                for item in listing.items
                if may_use(upstream, item.name)
            ]
            texts = [text_of(item) for _, item in tools]
            places = await self._meanings.rank(wish.query, texts, wish.meaning, context)
            if places is not None:
                return [tools[place] for place in places[: wish.most]]
        return self._words.find(listed, wish.query, wish.most, may_use)

    async def choose(self, items: Sequence[Item], query: str, context: RequestContext) -> frozenset[int]:
        """The places of those tools that lists have, where the operator has them narrowed."""
        narrowing = self.narrowing
        meaning = meaning_of_lists(narrowing)
        if meaning is None or len(items) <= narrowing.top_k or not query.strip():
            return frozenset(range(len(items)))
        texts = [text_of(item) for item in items]
        places = await self._meanings.rank(query, texts, meaning, context)
        if places is None:
            counted = [(place, count_words(item)) for place, item in enumerate(items)]
            places = rank(query, counted, narrowing.top_k)
        return frozenset(places[: narrowing.top_k])
