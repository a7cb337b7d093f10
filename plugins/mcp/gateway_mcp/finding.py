"""Which tools a text is about: ranking by words.

The ranking is Okapi BM25 (S. Robertson, H. Zaragoza, The Probabilistic Relevance Framework, 2009), with
k1 = 1.2 and b = 0.75.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar, cast

from gateway_mcp.listings import Item, Listing
from gateway_mcp.upstreams import Upstream
from gateway_mcp.wire import Object

__all__ = ["Found", "Words", "count_words", "rank", "text_of"]

_Any = TypeVar("_Any")

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[^\W_A-Za-z0-9]+")
_SATURATION, _LENGTH_SHARE = 1.2, 0.75
_NAME_WEIGHT = 3
"""How often a word of a name counts: a name is chosen with more care than a description."""
_CAPACITY = 1000
_LONGEST_QUERY = 2000

Found = tuple[Upstream, Item]


class Words:
    """The words of tools; those of a list are counted once, as long as the list is the same."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Listing, dict[str, Counter[str]]]] = {}

    def of(self, listing: Listing) -> dict[str, Counter[str]]:
        """How often each word is in each tool of a list, by the tools' names."""
        known = self._known.get(id(listing))
        if known is None or known[0] is not listing:
            if len(self._known) >= _CAPACITY:
                self._known.pop(next(iter(self._known)))
            known = (listing, {item.name: count_words(item) for item in listing.items})
            self._known[id(listing)] = known
        return known[1]

    def find(
        self,
        listed: Sequence[tuple[Upstream, Listing]],
        query: str,
        most: int,
        may_use: Callable[[Upstream, str], bool],
    ) -> list[Found]:
        """The tools that a text is about, of those that may be used."""
        tools = [
            ((upstream, item), words[item.name])
            for upstream, listing in listed
            for words in (self.of(listing),)
            for item in listing.items
            if may_use(upstream, item.name)
        ]
        return rank(query, tools, most)


def rank(query: str, tools: Sequence[tuple[_Any, Counter[str]]], most: int) -> list[_Any]:
    """The tools that have words of the query, the best first; those that are equal stay in their order."""
    wanted = set(_split(query[:_LONGEST_QUERY]))
    lengths = [words.total() for _, words in tools]
    average = sum(lengths) / len(lengths) if lengths else 1.0
    weights = {word: _weigh(sum(word in words for _, words in tools), len(tools)) for word in wanted}
    scored: list[tuple[float, int]] = []
    for index, (_, words) in enumerate(tools):
        damping = _SATURATION * (1 - _LENGTH_SHARE + _LENGTH_SHARE * lengths[index] / (average or 1.0))
        score = sum(
            weights[word] * words[word] * (_SATURATION + 1) / (words[word] + damping)
            for word in wanted
            if word in words
        )
        if score > 0:
            scored.append((-score, index))
    return [tools[index][0] for _, index in sorted(scored)[:most]]


def _weigh(having: int, all_tools: int) -> float:
    """The rarer a word, the more it says."""
    return math.log(1 + (all_tools - having + 0.5) / (having + 0.5))


def text_of(item: Item) -> str:
    """What a tool says of itself, as one text."""
    return f"{item.name}: {' '.join(_texts(item.said))}"


def count_words(item: Item) -> Counter[str]:
    """How often each word is in a tool."""
    said = item.said
    words = Counter(_split(" ".join(_texts(said))))
    for word in _split(item.name):
        words[word] += _NAME_WEIGHT
    return words


def _texts(said: Object) -> Iterable[str]:
    for name in ("title", "description"):
        if isinstance(said.get(name), str):
            yield said[name]
    schema = said.get("inputSchema")
    properties = cast("Object", schema).get("properties") if isinstance(schema, dict) else None
    for name, stated in (cast("Object", properties) if isinstance(properties, dict) else {}).items():
        yield name
        description = cast("Object", stated).get("description") if isinstance(stated, dict) else None
        if isinstance(description, str):
            yield description


def _split(text: str) -> list[str]:
    """The words of a text, also those that stand together like `createPullRequest` and `create_issue`."""
    return [_stem(word.lower()) for word in _WORD.findall(text)]


def _stem(word: str) -> str:
    """Without the plural's ending: the one form whose absence is noticed most."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word  # noqa: PLR2004
