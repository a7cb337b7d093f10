"""Compares the live counters of this worker with the books: they must be the same to the nano-dollar."""

from gateway.domain import Scope
from gateway.runtime import Gateway
from gateway.spend.books.check_store import Difference
from gateway.spend.books.counters_store import read_totals

__all__ = ["check_counters"]

_LOOKS = 3
"""A change by hand reaches the counters some milliseconds after the database: only what stays is told."""


async def check_counters(gateway: Gateway) -> tuple[Difference, ...]:
    """Find counters that are not the total in the database and what was charged since.

    Raises DatabaseUnavailable, and ServiceUnavailable where shared counters cannot be asked.
    """
    found = await _look(gateway)
    for _ in range(_LOOKS - 1):
        if not found:
            break
        again = await _look(gateway)
        found = {scope: difference for scope, difference in again.items() if scope in found}
    return tuple(found.values())


def _known(gateway: Gateway) -> set[Scope]:
    """The scopes of everybody whose counters count; others are seeded when they come back."""
    parts = gateway.parts
    known = {scope for principal in parts.principals.list_fresh() for scope in principal.scopes}
    return known | {subject.scope for subject in parts.subjects.list_fresh()}


async def _look(gateway: Gateway) -> dict[Scope, Difference]:
    ledger, journal, member = gateway.parts.ledger, gateway.parts.journal, gateway.parts.member
    is_alone = member is None or member.state.workers == 1
    known = _known(gateway)
    totals, position = await read_totals(gateway.parts.database, journal.name, known)
    await ledger.refresh(known)
    # From here on nothing awaits: what is charged meanwhile is in both or in neither.
    settled = ledger.settled_totals(known & _known(gateway))
    found: dict[Scope, Difference] = {}
    for scope, nanos in totals.items():
        expected = nanos + journal.settled_after(scope, position)
        if scope in settled and _is_wrong(settled[scope], expected, is_alone=is_alone):
            found[scope] = Difference(
                books="counter",
                entity_type=scope.kind,
                entity_id=scope.id,
                expected_nanos=expected,
                found_nanos=settled[scope],
            )
    return found


def _is_wrong(found: int, expected: int, *, is_alone: bool) -> bool:
    """Where others count too, what they have not brought into the database yet is in the counter only."""
    return found != expected if is_alone else found < expected
