"""How long answers are: a running 99th percentile per model, for requests that do not bound theirs."""

from gateway.catalog.estimate import DEFAULT_OUTPUT_TOKENS

__all__ = ["OutputSizes"]

_LEAST_ANSWERS = 100
"""Fewer do not tell what one in a hundred is like."""
_LOOK_AFTER = 8
"""It is looked again when an eighth more answers have come."""
_HALVE_AT = 8_192
"""So many answers weigh; older ones fade, so that a model that changes is followed."""
_MOST_MODELS = 4_096
_STEPS = 4
"""Steps of the histogram per power of two: sizes are known to a quarter."""
_BUCKETS = 64 * _STEPS


class _Histogram:
    __slots__ = ("counts", "expected", "look_at", "total")

    def __init__(self) -> None:
        self.counts = [0] * _BUCKETS
        self.total = 0
        self.look_at = _LEAST_ANSWERS
        self.expected = DEFAULT_OUTPUT_TOKENS

    def look(self) -> None:
        """Find the size that 99 of a hundred answers do not exceed."""
        above = self.total // 100
        for step in range(_BUCKETS - 1, -1, -1):
            above -= self.counts[step]
            if above < 0:
                self.expected = _largest_in(step)
                break
        if self.total >= _HALVE_AT:
            self.counts = [count // 2 for count in self.counts]
            self.total = sum(self.counts)
        self.look_at = self.total + self.total // _LOOK_AFTER


class OutputSizes:
    """Sizes of answers per model group, in tokens; a reload of the configuration keeps them."""

    def __init__(self) -> None:
        self._histograms: dict[str, _Histogram] = {}

    def expected(self, group: str) -> int:
        """Return what an answer is expected to take at most; 1,024 while too few were seen."""
        found = self._histograms.get(group)
        return DEFAULT_OUTPUT_TOKENS if found is None else found.expected

    def note(self, group: str, tokens: int) -> None:
        """Learn how long one answer was."""
        if tokens <= 0:
            return
        found = self._histograms.get(group)
        if found is None:
            if len(self._histograms) >= _MOST_MODELS:
                self._histograms.clear()
            found = self._histograms[group] = _Histogram()
        found.counts[_step_of(tokens)] += 1
        found.total += 1
        if found.total >= found.look_at:
            found.look()


def _step_of(tokens: int) -> int:
    bits = tokens.bit_length()
    # The two bits below the highest one.
    step = bits * _STEPS + (tokens << 2 >> (bits - 1) & 3)
    return step if step < _BUCKETS else _BUCKETS - 1


def _largest_in(step: int) -> int:
    bits, below = divmod(step, _STEPS)
    # One less than where the next step begins.
    return max(1, -(-((_STEPS + below + 1) << (bits - 1)) // _STEPS) - 1)
