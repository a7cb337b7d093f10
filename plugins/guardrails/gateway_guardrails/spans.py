"""Places in a text that are taken, so that of two findings that overlap only the first counts."""

from bisect import bisect_left

__all__ = ["Spans"]


class Spans:
    """Ranges of characters that do not overlap; taking one costs little, however many there are."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def is_free(self, start: int, end: int) -> bool:
        """Whether nothing of a range is taken."""
        place = bisect_left(self._starts, end)
        return not place or self._ends[place - 1] <= start

    def take(self, start: int, end: int) -> bool:
        """Take a range; says whether it was free."""
        if not self.is_free(start, end):
            return False
        if start < end:
            place = bisect_left(self._starts, start)
            self._starts.insert(place, start)
            self._ends.insert(place, end)
        return True
