"""Places in a text that are taken, so that of two findings that overlap only the first counts."""

from bisect import bisect_left

__all__ = ["Spans"]


class Spans:
    """Ranges of characters that do not overlap; taking one costs little, however many there are."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def take(self, start: int, end: int) -> bool:
        """Take a range; says whether it was free."""
        place = bisect_left(self._starts, end)
        if place and self._ends[place - 1] > start:
            return False
        if start < end:
            place = bisect_left(self._starts, start)
            self._starts.insert(place, start)
            self._ends.insert(place, end)
        return True
