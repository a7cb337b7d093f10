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

    Raises DatabaseUnavailable.
    """
    found = await _look(gateway)
    for _ in range(_LOOKS - 1):
        if not found:
            break
        again = await _look(gateway)
        found = {scope: difference for scope, difference in again.items() if scope in found}
    return tuple(found.values())


async def _look(gateway: Gateway) -> dict[Scope, Difference]:
    ledger, journal = gateway.parts.ledger, gateway.parts.journal
    known = ledger.settled_totals()
    totals, position = await read_totals(gateway.parts.database, journal.name, known)
    # From here on nothing awaits: what is charged meanwhile is in both or in neither.
    settled = ledger.settled_totals()
    found: dict[Scope, Difference] = {}
    for scope, nanos in totals.items():
        expected = nanos + journal.settled_after(scope, position)
        if scope in settled and settled[scope] != expected:
            found[scope] = Difference(
                books="counter",
                entity_type=scope.kind,
                entity_id=scope.id,
                expected_nanos=expected,
                found_nanos=settled[scope],
            )
    return found
