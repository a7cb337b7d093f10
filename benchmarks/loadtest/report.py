"""Tables of medians, readable in a terminal and in a Markdown page."""

import math
import statistics
from collections.abc import Callable, Iterable, Sequence

from loadtest.cases import Case
from loadtest.gatewright import Books, Startup
from loadtest.measure import Sample

__all__ = ["render_books", "render_lag_and_memory", "render_samples", "render_startup"]

_Number = Callable[[Sample], float | None]
_YARDSTICK = "bare"
_DIRECT = "direct"


def render_samples(samples: Sequence[Sample]) -> str:
    """One table for whole answers and one for streams."""
    answers = [each for each in samples if each.case.traffic == "answer"]
    streams = [each for each in samples if each.case.traffic != "answer"]
    parts = []
    if answers:
        parts.append(_table(_ANSWER_HEAD, _rows(answers, _answer_cells)))
    if streams:
        parts.append(_table(_STREAM_HEAD, _rows(streams, _stream_cells)))
    return "\n\n".join(parts)


_ANSWER_HEAD = (
    "whole answers", "subject", "req/s", "of bare", "CPU us/req", "of bare", "p50 us", "added p50", "p99 us",
    "added p99", "errors",
)  # fmt: skip
_STREAM_HEAD = (
    "streams", "subject", "events/s", "of bare", "CPU us/event", "of bare", "first byte p50 us", "added p50",
    "first byte p99 us", "added p99", "errors",
)  # fmt: skip


def _rows(samples: Sequence[Sample], cells: Callable[["_Cell"], list[str]]) -> Iterable[list[str]]:
    for case in dict.fromkeys(each.case for each in samples):
        of_case = [each for each in samples if each.case == case]
        for subject in dict.fromkeys(each.subject for each in of_case):
            yield [case.label, subject, *cells(_Cell(case, subject, of_case))]


class _Cell:
    """The samples of one subject in one case, beside those of the others."""

    def __init__(self, case: Case, subject: str, samples: Sequence[Sample]) -> None:
        self.case = case
        self.subject = subject
        self._samples = samples

    def median(self, number: _Number, subject: str | None = None) -> float | None:
        chosen = [number(each) for each in self._samples if each.subject == (subject or self.subject)]
        known = [each for each in chosen if each is not None]
        return statistics.median(known) if known else None

    def ratio(self, number: _Number) -> str:
        """The median over the rounds of the quotient within a round: both met the same noise."""
        if self.subject == _DIRECT:
            return ""
        yardstick = {each.round: number(each) for each in self._samples if each.subject == _YARDSTICK}
        quotients = [
            (number(each) or 0) / bare
            for each in self._samples
            if each.subject == self.subject and (bare := yardstick.get(each.round))
        ]
        return f"{statistics.median(quotients):.2f}" if quotients else ""

    def added(self, number: _Number) -> str:
        mine, direct = self.median(number), self.median(number, _DIRECT)
        if self.subject == _DIRECT or mine is None or direct is None:
            return ""
        return f"{mine - direct:,.0f}"

    def text(self, number: _Number, digits: int = 0) -> str:
        value = self.median(number)
        return "" if value is None or math.isnan(value) else f"{value:,.{digits}f}"

    def own_time(self, number: _Number, digits: int = 0) -> str:
        """Nobody's, where there is no server in between."""
        return "" if self.subject == _DIRECT else self.text(number, digits)

    def errors(self) -> str:
        return str(sum(each.errors for each in self._samples if each.subject == self.subject))


def _answer_cells(cell: _Cell) -> list[str]:
    cpu: _Number = lambda each: each.cpu_micros  # noqa: E731  it is passed three times
    return [
        cell.text(lambda each: each.per_second),
        cell.ratio(lambda each: each.per_second),
        cell.own_time(cpu),
        cell.ratio(cpu),
        cell.text(lambda each: each.p50),
        cell.added(lambda each: each.p50),
        cell.text(lambda each: each.p99),
        cell.added(lambda each: each.p99),
        cell.errors(),
    ]


def _stream_cells(cell: _Cell) -> list[str]:
    cpu: _Number = lambda each: each.cpu_micros_per_event  # noqa: E731  it is passed three times
    return [
        cell.text(lambda each: each.events_per_second),
        cell.ratio(lambda each: each.events_per_second),
        cell.own_time(cpu, 1),
        cell.ratio(cpu),
        cell.text(lambda each: each.first_byte_p50),
        cell.added(lambda each: each.first_byte_p50),
        cell.text(lambda each: each.first_byte_p99),
        cell.added(lambda each: each.first_byte_p99),
        cell.errors(),
    ]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    # Words to the left, numbers to the right.
    rule = [f"{'-' * width}" if at < 2 else f"{'-' * (width - 1)}:" for at, width in enumerate(widths)]
    written = [
        [
            cell.ljust(width) if at < 2 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in lines
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in [written[0], rule, *written[1:]])


def render_lag_and_memory(samples: Sequence[Sample]) -> str:
    """What the recording of spend was behind, and the memory of each subject without PostgreSQL."""
    ours = [each for each in samples if each.subject == "gatewright"]
    lines = [
        f"- Memory of {subject}, all its processes without PostgreSQL: "
        f"{max(each.memory.resident for each in samples if each.subject == subject) / 1e6:,.0f} MB resident, "
        f"{max(each.memory.shared_out for each in samples if each.subject == subject) / 1e6:,.0f} MB when "
        "shared pages count once."
        for subject in dict.fromkeys(each.subject for each in samples if each.memory.resident)
    ]
    if ours:
        worst = max(ours, key=lambda each: each.lag_after)
        before = max(each.lag_before for each in ours)
        lines.append(
            f"- Not yet in the database when the load ended (`gatewright_journal_undrained_bytes`): "
            f"{worst.lag_after / 1e6:,.1f} MB at most, after {worst.requests:,} requests in "
            f"{worst.seconds:.0f} s ({worst.case.label}); before: {before:,} bytes."
        )
    return "\n".join(lines)


def render_books(books: Books) -> str:
    """The comparison of what was served with what was recorded."""
    verdict = "exact" if books.are_exact else "WRONG"
    return (
        f"- Books {verdict}: {books.served:,} calls served, {books.success_rows:,} rows of them, "
        f"{books.rows - books.success_rows:,} rows of calls cut before they were served; rows "
        f"{books.row_nanos:,} nano-dollars, key {books.key_nanos:,}."
    )


def render_startup(startup: Startup) -> str:
    """Both starts, with the embedded PostgreSQL."""
    return (
        f"- Start to readiness: {startup.second_seconds:.2f} s "
        f"(the very first, which makes the database: {startup.first_seconds:.2f} s)."
    )
