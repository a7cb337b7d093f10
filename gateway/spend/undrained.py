"""Per scope, the charges of one journal that are not yet in the database's totals."""

from collections import deque
from collections.abc import Sequence

from gateway.clock import Clock
from gateway.domain import Scope

__all__ = ["StalePositionError", "Undrained"]

_REMEMBER_NANOS = 30_000_000_000


class StalePositionError(LookupError):
    """The position lies before what is remembered: read total and position from the database again."""


class _Chunk:
    """The charges of the journal's bytes from `start` to `end`; `drained_at` is monotonic nanoseconds."""

    __slots__ = ("amounts", "drained_at", "end", "start")

    def __init__(self, start: int) -> None:
        self.start = start
        self.end = start
        self.amounts: dict[Scope, int] = {}
        self.drained_at: int | None = None


class Undrained:
    """Amounts per scope in chunks of the journal; the drain moves one chunk per transaction.

    Because the drain commits at the ends of chunks only, the total that the database shows at a journal
    position plus the chunks after it is exact. A drained chunk is remembered for 30 seconds, for readers
    whose snapshot is older than the drain's commit.
    """

    def __init__(self, clock: Clock, chunk_bytes: int) -> None:
        self._clock = clock
        self._chunk_bytes = chunk_bytes
        self._chunks: deque[_Chunk] = deque()
        self._tail = _Chunk(0)
        self._tail_is_full_at = chunk_bytes
        self._uncounted: list[tuple[Sequence[Scope], int]] = []

    def add(self, end: int, scopes: Sequence[Scope], nanos: int) -> None:
        """Take a charge (nano-dollars) whose line ends at the journal position `end`.

        `scopes` must not change afterwards: they are looked at when somebody asks, or once per chunk.
        """
        self._uncounted.append((scopes, nanos))
        if end >= self._tail_is_full_at:
            self.seal(end)

    def seal(self, end: int) -> None:
        """End the growing chunk at the journal position `end`, the last byte written so far."""
        if end > self._tail.start:
            self._count()
            self._tail.end = end
            self._chunks.append(self._tail)
            self._tail = _Chunk(end)
            self._tail_is_full_at = end + self._chunk_bytes

    def find_end(self, position: int) -> int | None:
        """Where the chunk with the byte at `position` ends; None while it still grows."""
        for chunk in self._chunks:
            if chunk.end > position:
                return chunk.end
        return None

    def mark_drained(self, position: int) -> None:
        """Note that everything before `position` is in the database, and forget what is old."""
        now = self._clock.monotonic_nanos()
        for chunk in self._chunks:
            if chunk.end > position:
                break
            if chunk.drained_at is None:
                chunk.drained_at = now
        while self._chunks and (at := self._chunks[0].drained_at) is not None and now - at > _REMEMBER_NANOS:
            self._chunks.popleft()

    def settled_after(self, scope: Scope, position: int) -> int:
        """Nano-dollars charged to a scope behind a journal position read together with its total.

        A position inside a chunk, which only a foreign writer can set, counts the whole chunk: too much
        rather than too little. Raises StalePositionError for a position that is no longer remembered.
        """
        first = self._chunks[0] if self._chunks else self._tail
        if position < first.start:
            raise StalePositionError(position)
        self._count()
        amount = self._tail.amounts.get(scope, 0)
        for chunk in self._chunks:
            if chunk.end > position:
                amount += chunk.amounts.get(scope, 0)
        return amount

    def charged_after(self, position: int) -> dict[Scope, int]:
        """Nano-dollars per scope that were charged behind a journal position at which a chunk ends."""
        self._count()
        found: dict[Scope, int] = {}
        for chunk in (*self._chunks, self._tail):
            if chunk is self._tail or chunk.end > position:
                for scope, nanos in chunk.amounts.items():
                    found[scope] = found.get(scope, 0) + nanos
        return found

    def _count(self) -> None:
        """Bring what was taken into the amounts of the growing chunk.

        Requests of one caller come with the same object, so that most of them are one addition.
        """
        taken, self._uncounted = self._uncounted, []
        sums: dict[int, tuple[Sequence[Scope], int]] = {}
        for scopes, nanos in taken:
            known = sums.get(id(scopes))
            sums[id(scopes)] = (scopes, known[1] + nanos if known else nanos)
        amounts = self._tail.amounts
        for scopes, nanos in sums.values():
            for scope in scopes:
                amounts[scope] = amounts.get(scope, 0) + nanos
