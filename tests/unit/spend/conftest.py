"""Records, and a journal in a folder of the test."""

import errno
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.domain import Scope, ScopeKind
from gateway.spend.journal import Journal, JournalOptions
from gateway.spend.records import ChargedRecord, OpenedRecord, encode_line
from gateway.spend.segment_file import reserve

KEY = Scope(ScopeKind.KEY, "hash")


def opened(charge_id: str, estimate: int = 1_000) -> OpenedRecord:
    return OpenedRecord(
        charge_id=charge_id,
        call_id=f"call-{charge_id}",
        call_type="acompletion",
        endpoint="/chat/completions",
        api_key="hash",
        cost_nanos=10 * estimate,
        spent_nanos=estimate,
        started_ms=1_750_000_000_000,
        scopes='[["key","hash"]]',
    )


def charged(charge_id: str, nanos: int = 7) -> ChargedRecord:
    return ChargedRecord(
        charge_id=charge_id,
        request_id=f"chatcmpl-{charge_id}",
        litellm_call_id=f"call-{charge_id}",
        call_type="acompletion",
        endpoint="/chat/completions",
        api_key="hash",
        cost_nanos=nanos,
        started_ms=1_750_000_000_000,
        ended_ms=1_750_000_000_250,
    )


def append_charged(journal: Journal, record: ChargedRecord, *scopes: Scope) -> None:
    """Write a charge of these scopes into a journal."""
    journal.append_charged_line(record.charge_id, encode_line(record), scopes, record.cost_nanos)


class Disk:
    """Room for segments; while it is full, a part of what is asked for is taken and the rest refused."""

    def __init__(self) -> None:
        self.is_full = False

    def reserve(self, file: int, offset: int, size: int) -> None:
        if self.is_full:
            reserve(file, offset, size // 3)
            raise OSError(errno.ENOSPC, "No space left on device")
        reserve(file, offset, size)


@pytest.fixture
def make_journal(tmp_path: Path) -> Iterator[Callable[..., Journal]]:
    journals: list[Journal] = []

    def make(reserve_room: Callable[[int, int, int], None] = reserve, **options: float) -> Journal:
        journal = Journal(
            tmp_path / "journal", "worker", SystemClock(), JournalOptions(**options), reserve_room
        )
        journal.open()
        journals.append(journal)
        return journal

    yield make
    for journal in journals:
        journal.close()
