"""Looks for things in all texts of some content: in each, in its readings, and cut over several."""

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

import msgspec

from gateway.sdk import Content, Edit, Place, join_texts
from gateway_guardrails.readings import list_findings
from gateway_guardrails.spans import Spans

__all__ = ["Hit", "search"]

_What = TypeVar("_What")


class Hit(msgspec.Struct, Generic[_What], frozen=True):
    """What was found, its text, and where; without `places` it overlaps with what was found before.

    `path` is that of the piece in which it begins.
    """

    what: _What
    text: str
    path: str
    places: tuple[Place, ...]

    def edits(self, shown: str) -> Iterator[Edit]:
        """Show something in its stead, in every piece that has a part of it: none may end up empty."""
        return (Edit(piece, start, end, shown) for piece, start, end in self.places)


def search(
    content: Content,
    find: Callable[[str], Iterable[tuple[_What, int, int]]],
    is_closed: Callable[[_What, str], bool] | None = None,
) -> Iterator[Hit[_What]]:
    """All that `find` finds. What is cut over pieces counts besides what is found in one of them.

    A pattern that takes all that follows takes the next piece as well where they are put together: so what
    was found in one piece does not grow, unless `is_closed` says of its whole text that it ends there.
    """
    taken: dict[int, Spans] = {}
    for place, piece in content.texts():
        for what, start, end in list_findings(piece.text, find):
            taken.setdefault(place, Spans()).take(start, end)
            yield Hit(what, piece.text[start:end], piece.path, ((place, start, end),))
    for joined in join_texts(content):
        for what, start, end in list_findings(joined.text, find):
            places = joined.locate(start, end)
            text = joined.text[start:end]
            free = tuple(one for one in places if taken.setdefault(one[0], Spans()).is_free(*one[1:]))
            if len(free) < len(places) and not (is_closed and is_closed(what, text)):
                free = ()
            for piece, begins, ends in free:
                taken[piece].take(begins, ends)
            if places:
                yield Hit(what, text, content.pieces[places[0][0]].path, free)
