"""Texts of a request put together as whoever reads them may: what is cut over several is found in them."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator

import msgspec

from gateway.sdk.guardrails import Content, Direction, PieceKind

__all__ = ["Joined", "Place", "join_texts"]

Place = tuple[int, int, int]
"""A piece, and from where up to where in it (characters)."""

_REACH = 4_096
_EDGE = 256
_KINDS = frozenset({PieceKind.TEXT, PieceKind.REASONING, PieceKind.TOOL_RESULT})


class _Part(msgspec.Struct, frozen=True, gc=False):
    """The characters of a piece from `offset` on, which stand at `start` of a joined text."""

    start: int
    piece: int
    offset: int
    size: int


class Joined(msgspec.Struct, frozen=True):
    """Several pieces of one role and kind, one behind the other, with what stands between them left out.

    Of long pieces only the 4,096 characters beside a cut are there; nothing counts that is found close to
    where they begin or end: it may be a part of something else.
    """

    text: str
    role: str
    kind: PieceKind
    parts: tuple[_Part, ...]
    starts: tuple[int, ...]
    core: tuple[int, int]

    def locate(self, start: int, end: int) -> tuple[Place, ...]:
        """Where the characters from `start` up to `end` stand in the pieces; nowhere if they do not count."""
        if end <= self.core[0] or start >= self.core[1]:
            return ()
        places: list[Place] = []
        for index in range(max(bisect_right(self.starts, start) - 1, 0), len(self.parts)):
            part = self.parts[index]
            if part.start >= end:
                break
            first, last = max(start, part.start), min(end, part.start + part.size)
            if first < last:
                shift = part.offset - part.start
                places.append((part.piece, first + shift, last + shift))
        return tuple(places)


def join_texts(content: Content) -> Iterator[Joined]:
    """The texts of each role, once as they are and once with a space for whatever space stands between them.

    Those of definitions and arguments of tools are left out, and so are answers, which are whole.
    """
    if content.direction is not Direction.REQUEST:
        return
    groups: dict[tuple[str, PieceKind], list[tuple[int, str]]] = {}
    for place, piece in content.texts():
        if piece.kind in _KINDS:
            groups.setdefault((piece.role, piece.kind), []).append((place, piece.text))
    for (role, kind), group in groups.items():
        if len(group) > 1:
            whole = ((place, text, 0) for place, text in group)
            bare = ((place, text.strip(), len(text) - len(text.lstrip())) for place, text in group)
            yield from _join(whole, "", role, kind)
            yield from _join((item for item in bare if item[1]), " ", role, kind)


class _Run:
    """What grows into one joined text."""

    def __init__(self, glue: str) -> None:
        self._glue = glue
        self._texts: list[str] = []
        self._parts: list[_Part] = []
        self._size = 0
        self.first_counts = 0

    def add(self, piece: int, text: str, offset: int) -> None:
        self._parts.append(_Part(self._size, piece, offset, len(text)))
        self._texts.append(text)
        self._size += len(text) + len(self._glue)

    def finish(self, role: str, kind: PieceKind, edge: int = 0) -> Iterator[Joined]:
        """The joined text, of which the last `edge` characters do not count; none of a single piece."""
        if len(self._parts) > 1:
            text = self._glue.join(self._texts)
            starts = tuple(part.start for part in self._parts)
            core = self.first_counts, len(text) - edge
            yield Joined(text, role, kind, tuple(self._parts), starts, core)


def _join(items: Iterable[tuple[int, str, int]], glue: str, role: str, kind: PieceKind) -> Iterator[Joined]:
    run = _Run(glue)
    for piece, text, offset in items:
        if len(text) <= 2 * _REACH:
            run.add(piece, text, offset)
            continue
        run.add(piece, text[:_REACH], offset)
        yield from run.finish(role, kind, _EDGE)
        run = _Run(glue)
        run.first_counts = _EDGE
        run.add(piece, text[-_REACH:], offset + len(text) - _REACH)
    yield from run.finish(role, kind)
