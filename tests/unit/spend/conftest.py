"""Records, and a journal in a folder of the test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.domain import Scope, ScopeKind
from gateway.spend.journal import Journal, JournalOptions
from gateway.spend.records import ChargedRecord, OpenedRecord

KEY = Scope(ScopeKind.KEY, "hash")


def opened(charge_id: str, estimate: int = 1_000) -> OpenedRecord:
    return OpenedRecord(
        charge_id=charge_id,
        call_id=f"call-{charge_id}",
        call_type="acompletion",
        endpoint="/chat/completions",
        api_key="hash",
        cost_nanos=estimate,
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


@pytest.fixture
def make_journal(tmp_path: Path) -> Iterator[Callable[..., Journal]]:
    journals: list[Journal] = []

    def make(**options: float) -> Journal:
        journal = Journal(tmp_path / "journal", "worker", SystemClock(), JournalOptions(**options))
        journal.open()
        journals.append(journal)
        return journal

    yield make
    for journal in journals:
        journal.close()
